import { expect } from 'chai'
import { readConfig } from '#config'
import { readTelemetrySettings } from '#platform/telemetry/settings'

const entry = '/srv/tidegate/worker/main.ts'
const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }

describe('how much telemetry a process does', () => {
  const cases: readonly (readonly [string, Record<string, string>, 'off' | 'ids' | 'export'])[] = [
    ['only ids when nobody listens', {}, 'ids'],
    ['only ids when the endpoint is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }, 'ids'],
    ['exports to the general endpoint', endpoint, 'export'],
    [
      'exports to the endpoint of traces',
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c/v1/traces' },
      'export',
    ],
    ['only ids when traces are muted', { ...endpoint, OTEL_TRACES_EXPORTER: 'none' }, 'ids'],
    ['nothing when disabled', { ...endpoint, OTEL_SDK_DISABLED: 'true' }, 'off'],
  ]
  for (const [what, variables, mode] of cases) {
    it(what, () => {
      expect(readTelemetrySettings(variables, entry).mode).to.equal(mode)
    })
  }

  it('is named after its folder, unless told otherwise', () => {
    expect(readTelemetrySettings({}, entry).serviceName).to.equal('tidegate-worker')
    expect(readTelemetrySettings({}, undefined).serviceName).to.equal('tidegate')
    const named = { OTEL_SERVICE_NAME: 'books' }
    expect(readTelemetrySettings(named, entry).serviceName).to.equal('books')
  })

  it('has the same name in the configuration, whatever the process', () => {
    for (const kind of ['api', 'worker', 'admin'] as const) {
      const given = { DATABASE_URL: 'postgresql://localhost/test' }
      const { serviceName } = readConfig(given, kind).telemetry
      expect(readTelemetrySettings(given, `/srv/${kind}/main.ts`).serviceName).to.equal(serviceName)
    }
  })
})
