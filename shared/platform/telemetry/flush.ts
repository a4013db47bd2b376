import { installedProvider } from './installed.ts'

/** Sends what is still queued and stops recording. Never waits longer than `timeoutMs`, whatever the collector does;
 *  what could not be sent by then is lost. */
export async function flushTelemetry(timeoutMs = 3000): Promise<void> {
  const provider = installedProvider()
  if (!('shutdown' in provider) || typeof provider.shutdown !== 'function') {
    return
  }
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, timeoutMs)
  const flushed: unknown = provider.shutdown()
  await Promise.race([Promise.resolve(flushed).catch(() => {}), late.promise])
  clearTimeout(timer)
}
