import { defineSettings } from './setting.ts'
import type { SettingSection } from './setting-documents.ts'
import { cacheSettings } from './settings/cache-settings.ts'
import { databaseSettings } from './settings/database-settings.ts'
import { httpSettings } from './settings/http-settings.ts'
import { processSettings } from './settings/process-settings.ts'
import { queueSettings } from './settings/queue-settings.ts'
import { rateLimitSettings } from './settings/rate-limit-settings.ts'
import { redisSettings } from './settings/redis-settings.ts'
import { telemetrySettings } from './settings/telemetry-settings.ts'

/** Every variable that the platform reads. */
export const platformSettings = defineSettings({
  ...processSettings,
  ...httpSettings,
  ...databaseSettings,
  ...redisSettings,
  ...queueSettings,
  ...cacheSettings,
  ...rateLimitSettings,
  ...telemetrySettings,
})

/** The same by subject, in the order in which the documents show them. */
export const platformSections: readonly SettingSection[] = [
  { title: 'Process', settings: processSettings },
  { title: 'HTTP', settings: httpSettings },
  { title: 'PostgreSQL', settings: databaseSettings },
  { title: 'Redis', settings: redisSettings },
  { title: 'Queues', settings: queueSettings },
  { title: 'Response cache', settings: cacheSettings },
  { title: 'Rate limits', settings: rateLimitSettings },
  { title: 'Telemetry', settings: telemetrySettings },
]
