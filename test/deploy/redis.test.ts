import { expect } from 'chai'
import { Redis } from 'ioredis'
import { join, resolve } from 'node:path'
import { findRedisBinary, startRedis } from '../../deploy/laptop/redis.ts'
import { cleanUp, temporaryDirectory } from '../support/laptop/launch.ts'
import { freePort } from '../support/servers.ts'

/** file, and what a server that runs with it says of itself */
const servers: [string, Record<string, string>][] = [
  [
    'cache.conf',
    {
      maxmemory: String(512 * 1024 * 1024),
      'maxmemory-policy': 'allkeys-lru',
      appendonly: 'no',
      save: '',
    },
  ],
  ['queue.conf', { maxmemory: '0', 'maxmemory-policy': 'noeviction', appendonly: 'yes' }],
]

describe('the Redis servers of docker-compose.yml', () => {
  after(cleanUp)

  for (const [file, expected] of servers) {
    it(`run with deploy/redis/${file} as they should`, async function () {
      const binary = await findRedisBinary(process.env['PATH'] ?? '')
      if (!binary) {
        this.skip()
      }
      const directory = join(await temporaryDirectory(), 'redis')
      const settings = ['--include', resolve('deploy/redis', file)]
      const port = await freePort()
      const server = await startRedis({ binary, directory, port, settings })
      const client = new Redis(server.url)
      const answers = await Promise.all(
        Object.keys(expected).map((name) => client.call('CONFIG', 'GET', name)),
      )
      client.disconnect()
      await server.stop()
      expect(answers).to.deep.equal(Object.entries(expected))
    })
  }
})
