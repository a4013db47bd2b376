import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { runDirectory } from '../../support/run-directory.ts'
import { freePort } from '../../support/servers.ts'
import type { Server } from './server.ts'

// nginx and Varnish are not in the registry: they are measured where they are installed, and named as left out where not.

type Program = {
  readonly name: string
  readonly binary: string
  readonly template: string
  readonly version: readonly string[]
  /** @param place a directory that any user may write in, since the worker may not be root */
  readonly start: (place: string, port: number) => readonly string[]
}

export const cachingProxies: readonly Program[] = [
  {
    name: 'nginx proxy_cache',
    binary: 'nginx',
    template: 'nginx.conf',
    version: ['-v'],
    start: (place) => ['-p', place, '-e', 'stderr', '-c', join(place, 'nginx.conf')],
  },
  {
    name: 'varnish',
    binary: 'varnishd',
    template: 'varnish.vcl',
    version: ['-V'],
    // codings are the origin's
    start: (place, port) =>
      `-F -n ${place}/work -a 127.0.0.1:${port} -f ${place}/varnish.vcl -s malloc,64m -T none -p http_gzip_support=off`.split(
        ' ',
      ),
  },
]

/** Starts it in front of the origin, empty; undefined when it is not installed. */
export async function startCachingProxy(
  { name, binary, template, version, start }: Program,
  originPort: number,
): Promise<Server | undefined> {
  const told = spawnSync(binary, version, { encoding: 'utf8' })
  const [number] = /\d+\.\d+\.\d+/.exec(`${told.stderr}${told.stdout}`) ?? []
  if (told.error) {
    return undefined
  }
  const port = await freePort()
  const place = join(runDirectory(), binary)
  mkdirSync(place)
  chmodSync(place, 0o777)
  const filled = readFileSync(new URL(template, import.meta.url), 'utf8')
    .replaceAll('PREFIX', place)
    .replaceAll('PORT', String(port))
    .replaceAll('ORIGIN', String(originPort))
  writeFileSync(join(place, template), filled)
  const child = spawn(binary, start(place, port), { stdio: ['ignore', 'ignore', 'pipe'] })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  process.once('exit', () => void child.kill('SIGTERM')) // when the benchmark fails
  console.log(`${name} ${number ?? ''}`)
  const exited = once(child, 'exit')
  await until(port, () => {
    if (child.exitCode !== null) {
      throw new Error(`${binary} ended: ${complaint}`)
    }
  })
  return {
    name,
    pid: child.pid ?? 0,
    port,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** Waits until somebody listens there; 10 s at most. */
async function until(port: number, check: () => void): Promise<void> {
  const end = performance.now() + 10_000
  for (let isListening = false; !isListening;) {
    check()
    if (performance.now() > end) {
      throw new Error(`nobody listens on ${port}`)
    }
    const socket = connect({ port, host: '127.0.0.1' })
    isListening = await once(socket, 'connect').then(
      () => true,
      () => new Promise((resolve) => setTimeout(resolve, 20, false)),
    )
    socket.destroy()
  }
}
