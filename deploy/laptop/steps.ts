import type { Clock } from '#platform/clock'

/** Lines for a person. */
export type Output = { readonly line: (text: string) => void }

/** Runs named steps and prints one line for each when it is done. */
export type Steps = {
  /** @param work returns what is worth knowing beside the name, or nothing */
  run<T>(name: string, work: () => Promise<T>, detail?: (result: T) => string): Promise<T>
  note(text: string): void
}

export function createSteps(output: Output, clock: Pick<Clock, 'monotonicMs'>): Steps {
  return {
    async run(name, work, detail) {
      const startedMs = clock.monotonicMs()
      const result = await work()
      const seconds = ((clock.monotonicMs() - startedMs) / 1000).toFixed(1)
      output.line(
        `  ${name.padEnd(14)} ${seconds.padStart(5)} s  ${detail?.(result) ?? ''}`.trimEnd(),
      )
      return result
    },
    note: (text) => output.line(`  ${text}`),
  }
}
