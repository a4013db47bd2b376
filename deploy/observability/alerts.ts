import type { Alert } from './alert.ts'
import { apiAlerts } from './alerts/api.ts'
import { cacheAlerts } from './alerts/cache.ts'
import { databaseAlerts } from './alerts/database.ts'
import { fxAlerts } from './alerts/fx.ts'
import { healthAlerts } from './alerts/health.ts'
import { processAlerts } from './alerts/processes.ts'
import { workAlerts } from './alerts/work.ts'
import { burnRateAlerts } from './burn-rates.ts'

/** Every alert, by the group that Prometheus evaluates it in. */
export const alertGroups: Readonly<Record<string, readonly Alert[]>> = {
  processes: processAlerts,
  health: healthAlerts,
  api: apiAlerts,
  cache: cacheAlerts,
  database: databaseAlerts,
  work: workAlerts,
  fx: fxAlerts,
  'burn-rates': burnRateAlerts,
}

export const alerts: readonly Alert[] = Object.values(alertGroups).flat()
