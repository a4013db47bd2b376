import { expect } from 'chai'
import { DCLinter } from 'dclint'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { readConfig, settings, type Config } from '#config'
import type { ProcessKind, Setting } from '#platform/config/setting'

// docker-compose.yml without Docker: against the schema of the Compose Specification (which dclint carries), against the
// figures that were asked for, and against our own configuration.

const path = 'docker-compose.yml'
const text = readFileSync(path, 'utf8')

const Service = z.object({
  image: z.string(),
  command: z.array(z.string()).default([]),
  profiles: z.array(z.string()).default([]),
  secrets: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  restart: z.string(),
  read_only: z.boolean().default(false),
  cap_drop: z.array(z.string()).default([]),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
})
const { services, secrets } = z
  .object({
    services: z.record(z.string(), Service),
    secrets: z.record(z.string(), z.object({ environment: z.string() })),
  })
  .parse(parse(text, { merge: true }))

const service = (name: string): z.infer<typeof Service> => {
  const found = services[name]
  if (!found) {
    throw new Error(`${path} has no service ${name}`)
  }
  return found
}

/** service, and the kind of process that it runs */
const processes: [string, ProcessKind][] = [
  ['api', 'api'],
  ['worker', 'worker'],
  ['admin', 'admin'],
  ['migrate', 'tool'],
]

/** What an operator has to give. */
const operator = {
  POSTGRES_PASSWORD: 'a1b2c3',
  CURSOR_KEYS: `k1:${Buffer.alloc(32).toString('base64url')}`,
}

describe('docker-compose.yml', () => {
  it('follows the Compose Specification', () => {
    expect(complaints(path)).to.deep.equal([])
  })

  it('would be refused with a property that the specification does not know', () => {
    const directory = mkdtempSync(join(tmpdir(), 'tidegate-compose-'))
    const planted = join(directory, 'docker-compose.yml')
    writeFileSync(planted, text.replace('healthcheck:', 'healthchecks:'))
    const found = complaints(planted)
    rmSync(directory, { recursive: true })
    expect(found.join()).to.include('must NOT have additional properties')
  })

  it('runs the three processes, two Redis servers, the database and one migration', () => {
    const names = ['postgres', 'redis-cache', 'redis-queue', 'migrate', 'api', 'worker', 'admin']
    const plain = Object.entries(services).filter(([, { profiles }]) => profiles.length === 0)
    expect(plain.map(([name]) => name)).to.have.members(names)
  })

  it('watches over them with the profile observability, from pinned images', () => {
    const watchers = Object.entries(services).filter(([, { profiles }]) =>
      profiles.includes('observability'),
    )
    expect(watchers.map(([name]) => name)).to.have.members([
      'prometheus',
      'alertmanager',
      'grafana',
      'otel-collector',
      'jaeger',
    ])
    for (const [name, { image, cap_drop: dropped }] of watchers) {
      expect(image, name).to.match(/:v?\d+\.\d+\.\d+$/)
      expect(dropped, name).to.deep.equal(['ALL'])
    }
  })

  it('gives the watchers targets, files and secrets that exist', () => {
    const hosts = ['prometheus/prometheus', 'otel-collector/config']
      .concat('grafana/provisioning/datasources/datasources')
      .flatMap((name) => [
        ...readFileSync(`deploy/${name}.yml`, 'utf8').matchAll(/\b([a-z-]+):(\d{4,5})\b/g),
      ])
      .map(([, host = '']) => host)
      .filter((host) => host !== 'localhost')
    expect(hosts).to.include.members(['api', 'worker', 'admin', 'alertmanager', 'jaeger'])
    expect(Object.keys(services)).to.include.members(hosts)
    const used = Object.values(services).flatMap((one) => one.secrets)
    expect(Object.keys(secrets)).to.have.members(used)
    const mounted = ['prometheus/prometheus', 'alertmanager/alertmanager']
      .flatMap((name) => readFileSync(`deploy/${name}.yml`, 'utf8').match(/\/run\/secrets\/\w+/g))
      .concat(service('grafana').environment['GF_SECURITY_ADMIN_PASSWORD__FILE'] ?? null)
      .map((file) => file?.replace('/run/secrets/', ''))
    expect(mounted).to.have.members(used)
  })

  it('names no variable that the configuration does not know', () => {
    const known = Object.entries<Setting>(settings).flatMap(([name, { synonyms = [] }]) => [
      name,
      ...synonyms,
    ])
    for (const [name] of processes) {
      const names = Object.keys(service(name).environment)
      expect([...known, 'NODE_OPTIONS'], name).to.include.members(names)
    }
  })

  it('gives every process a configuration that it accepts', () => {
    for (const [name, kind] of processes) {
      expect(() => configOf(name, kind), name).not.to.throw()
    }
  })

  it('does not start without the secrets, and holds none', () => {
    for (const name of Object.keys(operator)) {
      const { [name]: _, ...rest } = { ...operator } as Record<string, string>
      expect(() => resolve(service('api').environment, rest)).to.throw(name)
    }
  })

  it('sets the pool of every process, and leaves the server room for two of each', () => {
    const databases = processes.map(([name, kind]) => configOf(name, kind).database)
    const pools = databases.map(({ connectionsMax, reserveMax }) => [connectionsMax, reserveMax])
    expect(pools).to.deep.equal([
      [20, 10],
      [20, 10],
      [5, 2],
      [4, 2],
    ])
    for (const [name] of processes) {
      expect(service(name).environment).to.include.keys(
        'DATABASE_CONNECTION_LIMIT',
        'DB_MAX_OVERFLOW',
      )
    }
    const sum = pools.flat().reduce((left, right) => left + right, 0)
    const connectionsMax = /max_connections=(\d+)/.exec(service('postgres').command.join(' '))?.[1]
    expect(2 * sum).to.be.below(Number(connectionsMax))
  })

  it('logs statements from 100 ms on and gives Node 2 GB', () => {
    expect(service('postgres').command).to.include('log_min_duration_statement=100')
    for (const [name] of processes) {
      expect(service(name).environment['NODE_OPTIONS']).to.equal('--max-old-space-size=2048')
    }
  })

  it('keeps jobs and cached answers apart', () => {
    const { cacheUrl, queueUrl } = configOf('worker', 'worker').redis
    expect(cacheUrl).to.equal('redis://redis-cache:6379')
    expect(queueUrl).to.equal('redis://redis-queue:6379')
  })

  it('publishes the API on 3000 and 8000, the rest on loopback, and nothing else', () => {
    const published = Object.entries(services).flatMap(([name, { ports }]) =>
      ports.map((port) => `${name} ${port}`),
    )
    expect(published).to.have.members([
      'api 3000:3000',
      'api 8000:3000',
      'admin 127.0.0.1:3100:3100',
      'prometheus 127.0.0.1:9090:9090',
      'alertmanager 127.0.0.1:9093:9093',
      'grafana 127.0.0.1:3001:3000',
      'jaeger 127.0.0.1:16686:16686',
    ])
  })

  it('starts the processes after the migration has succeeded, and watches over everything that runs', () => {
    // the image of the collector has nothing to ask it with: Prometheus scrapes it
    const unasked = ['migrate', 'otel-collector']
    for (const [name, { depends_on, healthcheck, restart }] of Object.entries(services)) {
      const isProcess = ['api', 'worker', 'admin'].includes(name)
      expect(depends_on['migrate']?.condition, name).to.equal(
        isProcess ? 'service_completed_successfully' : undefined,
      )
      expect(healthcheck === undefined, name).to.equal(unasked.includes(name))
      expect(restart, name).to.match(/^(unless-stopped|on-failure:3)$/)
    }
  })

  it('runs our own code without rights that it does not need', () => {
    for (const [name] of processes) {
      expect(service(name)).to.deep.include({ read_only: true, cap_drop: ['ALL'] })
    }
    expect(readFileSync('deploy/Dockerfile', 'utf8')).to.match(/^USER 10001:10001$/m)
  })

  it('mounts only files that exist', () => {
    const sources = Object.values(services).flatMap(({ volumes }) =>
      volumes.map((volume) => volume.split(':')[0] ?? ''),
    )
    const files = sources.filter((source) => source.startsWith('./'))
    expect(files).to.have.length(7)
    expect(files.filter((file) => !existsSync(file))).to.deep.equal([])
  })
})

describe('the image', () => {
  it('installs exactly what the lock file says and copies only what .dockerignore lets in', () => {
    const dockerfile = readFileSync('deploy/Dockerfile', 'utf8')
    expect(dockerfile).to.match(/^RUN npm ci --omit=dev$/m)
    const admitted = readFileSync('.dockerignore', 'utf8').matchAll(/^!(.+)$/gm)
    const known = [...admitted].map(([, name]) => name)
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names]) =>
      (names ?? '').split(' '),
    )
    expect(copied).not.to.have.length(0)
    expect(known).to.include.members(copied)
  })
})

const LintResults = z.array(
  z.object({
    messages: z.array(z.object({ rule: z.string(), line: z.number(), message: z.string() })),
  }),
)

/** What the linter says, but for its taste in the order of keys and for the API's port, which everybody may reach. */
function complaints(file: string): readonly string[] {
  const off = [
    'no-unbound-port-interfaces',
    'service-keys-order',
    'services-alphabetical-order',
    'top-level-properties-order',
  ]
  const rules = Object.fromEntries(off.map((rule) => [rule, 0 as const]))
  const linter = new DCLinter({ rules, quiet: true, debug: false, exclude: [] })
  const results = LintResults.parse(linter.lintFiles([file], false))
  return results
    .flatMap(({ messages }) => messages)
    .map(({ rule, line, message }) => `${rule} ${line} ${message}`)
}

function configOf(name: string, kind: ProcessKind): Config {
  return readConfig(resolve(service(name).environment, operator), kind)
}

/** `${NAME:-default}` and `${NAME:?message}` as Compose resolves them. */
function resolve(
  environment: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const entries = Object.entries(environment).map(([key, value]) => {
    const resolved = value.replaceAll(/\$\{(\w+):([-?])([^}]*)\}/g, (_, name, mark, rest) => {
      const found = given[String(name)] || (mark === '-' ? String(rest) : undefined)
      if (found === undefined) {
        throw new Error(`${String(name)}: ${String(rest)}`)
      }
      return found
    })
    return [key, resolved] as const
  })
  return Object.fromEntries(entries)
}
