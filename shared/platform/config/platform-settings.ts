import { defineSettings } from './setting.ts'
import { cacheSettings } from './settings/cache-settings.ts'
import { databaseSettings } from './settings/database-settings.ts'
import { httpSettings } from './settings/http-settings.ts'
import { processSettings } from './settings/process-settings.ts'
import { redisSettings } from './settings/redis-settings.ts'
import { telemetrySettings } from './settings/telemetry-settings.ts'

/** Every variable that the platform reads. */
export const platformSettings = defineSettings({
  ...processSettings,
  ...httpSettings,
  ...databaseSettings,
  ...redisSettings,
  ...cacheSettings,
  ...telemetrySettings,
})
