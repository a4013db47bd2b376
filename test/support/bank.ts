import { once } from 'node:events'
import { createServer } from 'node:http'

/** The European Central Bank, as far as a refresh of today's rates asks it. */
export type Bank = {
  /** Settings of a process that asks it and nobody else. */
  readonly environment: Readonly<Record<string, string>>
  close(): Promise<void>
}

/** What it says today of these currencies, per euro. */
export const bankRates = { USD: '1.1562', GBP: '0.8817', JPY: '181.31', AUD: '1.7719' } as const

/** Opens the bank on a port of its own. */
export async function startBank(): Promise<Bank> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/xml' }).end(document())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  return {
    environment: {
      FX_PROVIDERS: 'ecb',
      FX_ECB_DAILY_URL: `${origin}/daily.xml`,
      FX_ECB_HISTORY_URL: `${origin}/90.xml`,
      FX_ECB_FULL_HISTORY_URL: `${origin}/all.xml`,
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function document(): string {
  const today = new Date().toISOString().slice(0, 10)
  const rates = Object.entries(bankRates).map(
    ([currency, rate]) => `<Cube currency='${currency}' rate='${rate}'/>`,
  )
  return `<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
<gesmes:subject>Reference rates</gesmes:subject>
<gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>
<Cube><Cube time='${today}'>${rates.join('')}</Cube></Cube></gesmes:Envelope>`
}
