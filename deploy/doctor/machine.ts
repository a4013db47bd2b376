import { existsSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { arch, availableParallelism, platform, release, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { isRecentNode, nodeVersionMin } from '../laptop/node-version.ts'
import { findProgram } from '../laptop/redis.ts'
import { check } from './finding.ts'

const gibibyte = 1024 ** 3
const mebibyte = 1024 ** 2

export const checkNode = check('Node', 'npm ci', async ({ node, root }) => {
  if (!isRecentNode(node.version)) {
    const text = `${node.version} is too old; ${nodeVersionMin} or newer is needed`
    return [
      {
        state: 'problem',
        text,
        fix: 'run npm ci, then npm run doctor (npm takes Node from node_modules)',
      },
    ]
  }
  const text = `${node.version} on ${platform()} ${arch()} ${release()}`
  const own = join(root, 'node_modules/node/bin/node')
  return existsSync(own)
    ? [{ state: 'ok', text }]
    : [
        { state: 'ok', text },
        {
          state: 'warning',
          text: `this Node (${node.path}) is not the project's own, which is missing`,
          fix: 'run npm ci without --ignore-scripts',
        },
      ]
})

export const checkMemory = check('memory', 'close other programs', async () => {
  const available = process.availableMemory()
  const text = `${size(available)} of ${size(totalmem())} available, ${availableParallelism()} cores`
  return [
    available < 0.75 * gibibyte
      ? { state: 'warning', text, fix: 'Tidegate wants 1 GiB; close other programs' }
      : { state: 'ok', text },
  ]
})

/** A clock in the past makes tokens and rates of the future: nothing that compares times is right then. */
export const checkClock = check('clock', 'set the clock', async ({ clock, root }) => {
  const now = clock.now()
  const installedAt = statSync(join(root, 'package.json')).mtime
  const isBehind = now.getTime() < installedAt.getTime() - 60_000 || now.getUTCFullYear() < 2026
  return [
    isBehind
      ? {
          state: 'problem',
          text: `says ${now.toISOString()}, before this checkout was made`,
          fix: 'set it, for example: timedatectl set-ntp true',
        }
      : { state: 'ok', text: now.toISOString() },
  ]
})

export const checkCurl = check('curl', 'install curl', async ({ settings }) => {
  const found = await findProgram(settings.path, ['curl'])
  return [
    found === undefined
      ? {
          state: 'warning',
          text: 'not on PATH',
          fix: 'install it to try the lines that npm start prints',
        }
      : { state: 'ok', text: found },
  ]
})

/** File systems that keep no owners or lock badly; numbers from statfs(2). */
const unfit: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x01021997: '9p (a shared folder)',
  0x786f4256: 'VirtualBox shared folder',
  0x2011bab0: 'exFAT',
  0x4d44: 'FAT',
  0xff534d42: 'SMB',
}

/** Room and kind of the disk that DATA_DIR lies on, or will lie on. */
export const checkDisk = check('disk', 'set DATA_DIR to another disk', async ({ settings }) => {
  let directory = settings.dataDirectory
  while (!existsSync(directory)) {
    directory = dirname(directory)
  }
  const { bavail, bsize, type } = await statfs(directory)
  const free = bavail * bsize
  const elsewhere = 'make room, or choose another disk: DATA_DIR=/path/to/directory npm start'
  const room = { text: `${size(free)} free for ${settings.dataDirectory}` }
  const kind = unfit[type]
  return [
    free < 400 * mebibyte
      ? { state: 'problem', ...room, fix: elsewhere }
      : free < gibibyte
        ? { state: 'warning', ...room, fix: elsewhere }
        : { state: 'ok', ...room },
    ...(kind === undefined
      ? []
      : [
          {
            state: 'warning' as const,
            text: `${directory} is on ${kind}, where a database may not run or may lose data`,
            fix: 'choose a local disk: DATA_DIR=/path/to/directory npm start',
          },
        ]),
  ]
})

function size(bytes: number): string {
  return bytes < gibibyte
    ? `${Math.floor(bytes / mebibyte)} MiB`
    : `${(bytes / gibibyte).toFixed(1)} GiB`
}
