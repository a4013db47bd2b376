import { readConfig } from '#config'
import { runProcess } from '#platform/run-process'

await runProcess(process, {
  name: 'api',
  readConfig: (environment) => readConfig(environment, 'api'),
  logLevel: (config) => config.log.level,
  errorTracking: (config) => config.sentry,
  sharing: ({ api }) => api,
  async start(config, started) {
    // Not before: the first of several processes serves nothing, and has no use for the rest of the product.
    const { startApi } = await import('./app.ts')
    await startApi(config, started)
  },
})
