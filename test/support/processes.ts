import { addMember, addTenant, ecbRates, openBusiness, publishRates } from './business.ts'
import { addProducts } from './catalogue.ts'
import { startChild, type Child } from './child.ts'
import { parsePrometheus, type Sample } from './prometheus.ts'
import { createDatabase, freePort, redisUrl } from './servers.ts'
import type { jobs } from '../../deploy/observability/selectors.ts'

export type Job = (typeof jobs)[number]

/** The three processes of the product on a small business, with Redis where there is one. */
export type Processes = {
  readonly databaseUrl: string
  readonly ports: Readonly<Record<Job, number>>
  readonly children: Readonly<Record<Job, Child>>
  /** A read of the API; gives the status. */
  read(path: string): Promise<number>
  scrape(job: Job): Promise<readonly Sample[]>
  /** The text that Prometheus reads. */
  text(job: Job): Promise<string>
  close(): Promise<void>
}

/** Nobody gets in without it, as in production. */
export const metricsToken = 'metrics-of-all-three'

export async function startProcesses(): Promise<Processes> {
  const url = await createDatabase()
  const business = await openBusiness({ url })
  const { secretKey } = await seed(business)
  await business.lifecycle.stop()
  const [api, worker, admin] = [await freePort(), await freePort(), await freePort()]
  const ports = { api, worker, admin }
  const environment = {
    DATABASE_URL: url,
    REDIS_URL: redisUrl() ?? '',
    PORT: String(api),
    WORKER_PORT: String(worker),
    ADMIN_PORT: String(admin),
    FX_PROVIDERS: 'demo-replay',
    METRICS_TOKEN: metricsToken,
    METRICS_ALLOW_LOCAL: 'false',
  }
  const children = {
    api: await startChild('api', environment),
    worker: await startChild('worker', environment),
    admin: await startChild('admin', environment),
  }
  const text = async (job: Job): Promise<string> => {
    const headers = { authorization: `Bearer ${metricsToken}` }
    return (await fetch(`http://127.0.0.1:${ports[job]}/metrics`, { headers })).text()
  }
  return {
    databaseUrl: url,
    ports,
    children,
    async read(path) {
      const headers = { authorization: `Bearer ${secretKey}` }
      const answer = await fetch(`http://127.0.0.1:${api}${path}`, { headers })
      await answer.arrayBuffer()
      return answer.status
    },
    text,
    scrape: async (job) => parsePrometheus(await text(job)),
    async close() {
      await Promise.all(Object.values(children).map((child) => child.stop()))
    },
  }
}

async function seed(business: Awaited<ReturnType<typeof openBusiness>>) {
  const tenant = await addTenant(business, 'harbour')
  await addMember(business, tenant.organisationId, 'reader@example.com')
  await addProducts(business, tenant, 4)
  await publishRates(business, ecbRates)
  return tenant
}
