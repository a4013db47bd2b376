import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { lockDirectory, type Instance, type Lock } from '../../deploy/laptop/single-instance.ts'
import { cleanUp, temporaryDirectory } from '../support/laptop/launch.ts'

describe('the lock of a data directory', () => {
  after(cleanUp)

  it('is refused while a process holds it, also by another path, and free once it is released', async () => {
    const directory = await temporaryDirectory()
    const other = `${directory}-link`
    await symlink(directory, other)
    const lock = held(await lockDirectory(directory))
    expect(await lockDirectory(other)).to.deep.equal({ pid: process.pid })
    await lock.release()
    await held(await lockDirectory(other)).release()
  })

  it('is free again when its holder was killed', async () => {
    const directory = await temporaryDirectory()
    const module = new URL('../../deploy/laptop/single-instance.ts', import.meta.url).href
    const holder = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      `import { lockDirectory } from ${JSON.stringify(module)}
       await lockDirectory(${JSON.stringify(directory)})
       console.log('held')
       setInterval(() => {}, 1000)`,
    ])
    await once(holder.stdout, 'data')
    expect(await lockDirectory(directory)).to.deep.equal({ pid: holder.pid })
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    await held(await lockDirectory(directory)).release()
  })

  it('of one directory leaves every other one free', async () => {
    const [one, two] = [await temporaryDirectory(), await temporaryDirectory()]
    const locks = [held(await lockDirectory(one)), held(await lockDirectory(two))]
    await Promise.all(locks.map((lock) => lock.release()))
    expect(join(one)).to.not.equal(two)
  })
})

function held(result: Lock | Instance): Lock {
  if (!('release' in result)) {
    throw new Error(`process ${result.pid} holds it`)
  }
  return result
}
