import { expect } from 'chai'
import { ConfigError } from '#platform/config/config-error'
import { describeConfig, readConfig, readLaptopConfig } from '#config'

const database = { DATABASE_URL: 'postgresql://someone:hunter2@127.0.0.1:5432/tidegate' }
const key = (id: string, byte = 7) => `${id}:${Buffer.alloc(32, byte).toString('base64url')}`
const production = {
  ...database,
  NODE_ENV: 'production',
  REDIS_URL: 'redis://127.0.0.1:6379',
  BASE_URL: 'https://api.example.com',
  CURSOR_KEYS: key('k1'),
}

describe('configuration with faults', () => {
  it('reports every fault at once, each with its name, its problem and a way out', () => {
    const { faults, message } = refusal({
      NODE_ENV: 'production',
      PORT: 'abc',
      TRUST_PROXY: 'true',
      CORS_ORIGINS: '*',
      REDIS_URL: '',
      CACHE_TTL_SHORT: '900',
      FX_PROVIDERS: 'open-exchange-rates',
    })
    expect(faults.map(({ names }) => names.join(' '))).to.have.members([
      'PORT',
      'BASE_URL',
      'TRUST_PROXY',
      'CORS_ORIGINS',
      'CURSOR_KEYS',
      'DATABASE_URL',
      'CACHE_TTL_SHORT CACHE_TTL_MEDIUM',
      'FX_PROVIDERS OPEN_EXCHANGE_RATES_APP_ID',
    ])
    expect(faults.every(({ problem, fix }) => problem !== '' && fix !== '')).to.equal(true)
    expect(message.split('\n')).to.have.length(faults.length + 1)
    expect(message).to.include('PORT is "abc": must be a whole number from 0 to 65535')
  })

  it('never repeats a secret', () => {
    const secrets = {
      DATABASE_URL: 'mysql://root:hunter2@db/x',
      REDIS_URL: 'http://u:hunter2@redis',
      CURSOR_KEYS: `k1:hunter2`,
      SENTRY_DSN: 'hunter2',
    }
    const { faults, message } = refusal(secrets)
    expect(faults.flatMap(({ names }) => names)).to.have.members(Object.keys(secrets))
    expect(message).not.to.include('hunter2')
    expect(message).not.to.include('leave it out for laptop')
  })

  it('refuses two names of one setting with different values and names both', () => {
    const { faults } = refusal({ ...database, DATABASE_CONNECTION_LIMIT: '10', DB_POOL_SIZE: '12' })
    expect(faults).to.have.length(1)
    expect(faults[0]?.names).to.deep.equal(['DATABASE_CONNECTION_LIMIT', 'DB_POOL_SIZE'])
  })

  const conflicts: [string, Record<string, string>, readonly string[]][] = [
    ['two Redis servers', { REDIS_URL: 'redis://a', REDIS_HOST: 'b' }, ['REDIS_URL', 'REDIS_HOST']],
    ['no Redis and a Redis host', { REDIS_URL: '', REDIS_HOST: 'b' }, ['REDIS_URL', 'REDIS_HOST']],
    ['a Redis database without a host', { REDIS_DB: '2' }, ['REDIS_DB']],
    [
      'more connections than a process may open',
      { DB_POOL_SIZE: '25' },
      ['DATABASE_CONNECTION_LIMIT', 'DB_MAX_OVERFLOW'],
    ],
    [
      'a statement limit above the client limit',
      { DATABASE_STATEMENT_TIMEOUT_MS: '6000' },
      ['DATABASE_STATEMENT_TIMEOUT_MS', 'DATABASE_QUERY_TIMEOUT_MS'],
    ],
    [
      'two lifetimes under two names',
      { CACHE_TTL_LONG: '3600', CACHE_TTL_SECONDS: '7200' },
      ['CACHE_TTL_LONG', 'CACHE_TTL_SECONDS'],
    ],
  ]
  for (const [situation, variables, names] of conflicts) {
    it(`refuses ${situation}`, () => {
      const { faults } = refusal({ ...database, ...variables })
      expect(faults.map((fault) => fault.names)).to.deep.equal([names])
    })
  }

  const wrong: [string, readonly string[]][] = [
    ['PORT', ['-1', '65536', '1.5', '0x10', '3000a', '1e3']],
    ['TRUST_PROXY', ['true', '*', '10', '10.0.0.0/33', '10.0.0.0/0', 'proxy.example.com', '1,']],
    [
      'CORS_ORIGINS',
      ['*', 'null', 'https://a.example/', 'a.example', 'https://a.example,https://a.example'],
    ],
    [
      'CURSOR_KEYS',
      [`${key('a')},${key('a', 8)}`, 'k1:c2hvcnQ', 'k1', key('an id with spaces'), ','],
    ],
    ['ENABLE_FX_BATCH', ['yes', 'on', '2']],
    ['FX_PROVIDERS', ['ecb,ecb', 'bank-of-nowhere', ',']],
    ['OTEL_TRACES_SAMPLER_ARG', ['1.1', '-0.1', '5%']],
    ['NODE_ENV', ['prod', 'Production']],
  ]
  for (const [name, values] of wrong) {
    for (const value of values) {
      it(`refuses ${name}=${value}`, () => {
        const names = refusal({ ...production, [name]: value }).faults.flatMap((one) => one.names)
        expect(names).to.deep.equal([name])
      })
    }
  }
})

describe('configuration in production', () => {
  it('has no default for secrets and addresses', () => {
    const { faults } = refusal({ NODE_ENV: 'production' })
    expect(faults.flatMap(({ names }) => names)).to.have.members([
      'DATABASE_URL',
      'REDIS_URL',
      'BASE_URL',
      'CURSOR_KEYS',
    ])
  })

  it('asks a process only for what that kind of process uses', () => {
    const { CURSOR_KEYS: _, BASE_URL: __, ...rest } = production
    expect(readConfig(rest, 'admin').api.cursorKeys).to.deep.equal([])
  })

  it('refuses the secret that laptops use', () => {
    const laptop = 'laptop:bm90LWEtc2VjcmV0LW9ubHktZm9yLWEtbGFwdG9wLTAwMDA'
    expect(readConfig({ ...database }, 'api').api.cursorKeys[0]?.id).to.equal('laptop')
    expect(refusal({ ...production, CURSOR_KEYS: laptop }).message).to.include('for laptops')
  })

  it('starts without Redis when told so by an empty REDIS_URL, and only then', () => {
    expect(readConfig({ ...production, REDIS_URL: '' }, 'api').redis.queueUrl).to.equal(undefined)
    expect(refusal({ ...production, REDIS_URL: undefined }).message).to.include('REDIS_URL=')
  })

  it('embeds nothing', () => {
    expect(() => readLaptopConfig({ NODE_ENV: 'production' })).to.throw(ConfigError, 'DATABASE_URL')
    expect(readLaptopConfig({}).databaseUrl).to.equal(undefined)
  })
})

describe('synonyms and derived values', () => {
  it('agree when they say the same in other words', () => {
    const same = { ...database, DATABASE_CONNECTION_LIMIT: '10', DB_POOL_SIZE: ' 010 ' }
    expect(readConfig(same, 'api').database.connectionsMax).to.equal(10)
    const redis = { REDIS_URL: 'rediss://u:p@r:6379', REDIS_HOST: 'r', REDIS_DB: '0' }
    expect(readConfig({ ...database, ...redis }, 'api').redis.cacheUrl).to.equal(redis.REDIS_URL)
  })

  it('make a Redis address from host, port and database', () => {
    const { redis } = readConfig({ ...database, REDIS_HOST: 'redis', REDIS_DB: '3' }, 'api')
    expect(redis.cacheUrl).to.equal('redis://redis:6379/3')
    expect(redis.queueUrl).to.equal(redis.cacheUrl)
  })

  it('let the queues have a Redis of their own, or none', () => {
    const read = (queue: string) =>
      readConfig({ ...database, REDIS_URL: 'redis://a', QUEUE_REDIS_URL: queue }, 'worker').redis
    expect(read('redis://b')).to.include({ cacheUrl: 'redis://a', queueUrl: 'redis://b' })
    expect(read('').queueUrl).to.equal(undefined)
  })

  it('treat an empty text like a variable that is not set', () => {
    expect(readConfig({ ...database, PORT: '', LOG_LEVEL: ' ' }, 'api').api.port).to.equal(3000)
  })
})

describe('description of the configuration', () => {
  it('shows value and source of every setting and masks secrets, also wrong ones', () => {
    const states = describeConfig({ ...database, DB_POOL_SIZE: '5', CURSOR_KEYS: 'hunter2' }, 'api')
    const state = (name: string) => states.find((one) => one.name === name)
    expect(state('DATABASE_CONNECTION_LIMIT')).to.include({
      value: '5',
      source: 'variable DB_POOL_SIZE',
    })
    expect(state('PORT')).to.include({ value: '3000', source: 'standard' })
    expect(state('DATABASE_URL')).to.include({ value: '(secret)' })
    expect(JSON.stringify(states)).not.to.include('hunter2')
  })
})

function refusal(variables: Record<string, string | undefined>): ConfigError {
  try {
    readConfig(variables, 'api')
  } catch (error) {
    if (error instanceof ConfigError) {
      return error
    }
    throw error
  }
  throw new Error('the configuration was accepted')
}
