import { once } from 'node:events'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { expect } from 'chai'
import { refuseMalformed, type Refuse } from '#platform/refuse-malformed'

describe('a connection that never becomes a request', () => {
  let server: Server | undefined
  afterEach(async () => {
    server?.closeAllConnections()
    server?.close()
  })

  async function send(listener: RequestListener, text: string): Promise<string> {
    const limits = { headersTimeout: 200, requestTimeout: 200, connectionsCheckingInterval: 50 }
    const answering: ServerResponse[] = []
    server = createServer(limits, (request, response) => {
      answering.push(response)
      listener(request, response)
    })
    const refuse: Refuse = (status) => ({
      headers: { 'X-Form': 'ours' },
      body: `refused ${status}`,
    })
    refuseMalformed(server, refuse, (asked) => answering.find(({ socket }) => socket === asked))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const socket = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1')
    let answer = ''
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part))
    socket.on('error', () => undefined)
    socket.write(text)
    await once(socket, 'close')
    return answer
  }

  it('is told that its headers came too slowly, and closed', async () => {
    const answer = await send(
      (_request, response) => response.end(),
      'GET / HTTP/1.1\r\nHost: a\r\n',
    )
    expect(answer).to.match(/^HTTP\/1.1 408 Request Timeout\r\n/)
    expect(answer)
      .to.match(/x-form: ours/i)
      .and.match(/\r\n\r\nrefused 408$/)
  })

  it('is told that its body came too slowly, while nothing was answered', async () => {
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n'
    expect(await send(() => undefined, `${head}abc`)).to.match(/refused 408$/)
  })

  it('is only closed where an answer has begun', async () => {
    const begin: RequestListener = (_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('begun')
    }
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n'
    expect(await send(begin, `${head}abc`)).to.match(/begun$/)
  })
})
