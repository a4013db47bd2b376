import { createLink, newLinkSchema } from '#payments'
import { findCaller } from '#members'
import { transaction } from '#platform/database/transaction'
import type { Business, Tenant } from './business.ts'

/** Writes `count` links through the domain, with two items each; returns their ids in the order of creation. */
export async function addLinks(
  business: Business,
  tenant: Tenant,
  count: number,
  more: Readonly<Record<string, unknown>> = {},
): Promise<string[]> {
  const caller = await findCaller(business.db, tenant.secretKey)
  if (!caller) {
    throw new Error('the key of the tenant does not work')
  }
  const ids: string[] = []
  for (let index = 0; index < count; index += 1) {
    const input = newLinkSchema.parse({
      currency: index % 3 === 0 ? 'USD' : 'GBP',
      items: [
        { name: 'Lantern', quantity: 2, unitAmount: 100 + index },
        { name: 'Ribbon', quantity: 1, unitAmount: 0 },
      ],
      status: index % 2 === 0 ? 'open' : 'draft',
      ...more,
    })
    ids.push(await transaction(business, (tx) => createLink(tx, business, caller, input)))
  }
  return ids
}
