import { startApi, type Api } from './api.ts'
import {
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from './business.ts'
import { addLinks } from './links.ts'

/** One organisation with some payment links behind the real API. */
export type Harbour = { readonly business: Business; readonly tenant: Tenant; readonly api: Api }

export async function openHarbour(
  options: Parameters<typeof startApi>[1] & Pick<Partial<Business>, 'log'> = {},
  links = 2,
): Promise<Harbour> {
  const opened = await openBusiness({ fx: { providers: ['ecb'] } })
  const business = { ...opened, ...(options.log && { log: options.log }) }
  await publishRates(business, ecbRates)
  const tenant = await addTenant(business, 'harbour')
  await addLinks(business, tenant, links, { description: 'x'.repeat(500) })
  return { business, tenant, api: await startApi(business, options) }
}
