import { corsOrigins, cursorKeys, trustProxy } from '../http-kinds.ts'
import { choice, flag, integer, port, text, url } from '../kinds.ts'
import { defineSettings } from '../setting.ts'

const deadline = integer({ min: 100, max: 120_000 })

/** Where the processes listen, whom they believe and how much they take. */
export const httpSettings = defineSettings({
  PORT: { schema: port(), standard: '3000', meaning: 'Where the API listens.' },
  HOST: {
    schema: text('an address or host name'),
    standard: { development: '127.0.0.1', production: '0.0.0.0' },
    meaning: 'The address the API listens on.',
  },
  WORKER_PORT: {
    schema: port(),
    standard: '3200',
    meaning: 'Where the worker answers for its health and metrics.',
  },
  WORKER_HOST: {
    schema: text('an address or host name'),
    standard: '127.0.0.1',
    meaning:
      'The address the worker listens on; loopback, since only probes and whoever reads metrics need it.',
  },
  ADMIN_PORT: {
    schema: port(),
    standard: '3100',
    meaning: 'Where the admin process listens: tRPC under /trpc, the console under /.',
  },
  ADMIN_HOST: {
    schema: text('an address or host name'),
    standard: '127.0.0.1',
    meaning:
      'The address the admin process listens on; loopback unless a tunnel or an inner network needs more.',
  },
  BASE_URL: {
    schema: url('https:', 'http:'),
    productionRequired: ['api', 'worker'],
    example: 'https://api.example.com',
    meaning:
      'The address under which callers reach the API: pay pages, problem types and Link headers begin with it. Not set: http://localhost with PORT.',
  },
  TRUST_PROXY: {
    schema: trustProxy(),
    standard: '0',
    example: '1',
    meaning:
      'How many proxies stand in front of the API, or their networks. Decides whose X-Forwarded-For is believed, and so who is rate-limited.',
  },
  CORS_ORIGINS: {
    schema: corsOrigins(),
    standard: '',
    example: 'https://shop.example.com,https://admin.example.com',
    meaning:
      'Origins of browsers that may call the API, exactly as browsers send them. Empty: none.',
  },
  CURSOR_KEYS: {
    schema: cursorKeys(),
    standard: { development: 'laptop:bm90LWEtc2VjcmV0LW9ubHktZm9yLWEtbGFwdG9wLTAwMDA' },
    productionRequired: ['api'],
    secret: true,
    example: 'k1:$(openssl rand -base64 32 | tr +/ -_ | tr -d =)',
    meaning:
      'The keys that sign cursors and tokens, as id:secret pairs separated by commas. The first signs, all verify: to rotate, put a new one in front and drop the old one a day later.',
  },
  API_BODY_BYTES_MAX: {
    schema: integer({ min: 1024, max: 10_485_760 }),
    standard: '102400',
    unit: 'bytes',
    meaning: 'The largest request body the API reads; more is answered with 413.',
  },
  API_READ_DEADLINE_MS: {
    schema: deadline,
    standard: '5000',
    unit: 'ms',
    meaning: 'How long a read may take before the API answers 504.',
  },
  API_WRITE_DEADLINE_MS: {
    schema: deadline,
    standard: '10000',
    unit: 'ms',
    meaning: 'How long a write may take before the API answers 504.',
  },
  API_PROCESSES: {
    schema: integer({ min: 1, max: 64 }),
    standard: '1',
    meaning:
      'How many processes of the API share its port, about one for each core. The connections of one are divided among them, and each keeps its own answers.',
  },
  API_EDGE_ENABLED: {
    schema: flag(),
    standard: 'true',
    meaning:
      'Sends kept answers before routing, with the same bytes. false: every request goes through Express, as a way back.',
  },
  ADMIN_DEADLINE_MS: {
    schema: deadline,
    standard: '15000',
    unit: 'ms',
    meaning: 'How long an admin procedure may take.',
  },
  ENABLE_CURSOR_PAGINATION: {
    schema: flag(),
    standard: 'true',
    meaning: 'Serves the v2 lists, which page by cursor. false leaves v1 only, as a way back.',
  },
  HEALTH_BASIC_STATUS: {
    schema: choice('healthy', 'ok'),
    standard: 'healthy',
    meaning:
      'The word for "all is well" in the basic health answer, for monitors that look for ok.',
  },
  DRAIN_PAUSE_MS: {
    schema: integer({ min: 0, max: 8_000 }),
    standard: { development: '0', production: '3000' },
    unit: 'ms',
    meaning:
      'How long the API and the admin process go on serving after SIGTERM, while /health/ready says 503 already: as long as a load balancer takes to notice.',
  },
  ENABLE_TEST_ERROR: {
    schema: flag(),
    standard: 'false',
    meaning:
      'Serves POST /api/test/error (with an admin key), which fails on purpose to try the error tracker.',
  },
})
