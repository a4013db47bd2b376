import { createHash } from 'node:crypto'
import type { Random } from '#platform/random'

/** Randomness that is the same in every run. */
export function createSeededRandom(seed = 'tidegate'): Random {
  let turn = 0
  const block = (): Buffer =>
    createHash('sha256')
      .update(`${seed} ${(turn += 1)}`)
      .digest()
  return {
    uuid() {
      const digits = block().toString('hex')
      const time = (turn + 0x19_00_00_00_00_00).toString(16).padStart(12, '0')
      return `${time.slice(0, 8)}-${time.slice(8)}-7${digits.slice(0, 3)}-8${digits.slice(3, 6)}-${digits.slice(6, 18)}`
    },
    bytes(count) {
      const blocks = Array.from({ length: Math.ceil(count / 32) }, block)
      return Buffer.concat(blocks).subarray(0, count)
    },
    fraction: () => 0.5,
  }
}
