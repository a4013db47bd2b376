import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { documentedAt, documentOf } from './document.ts'

// Every answer that a spec receives is held against the document: the status must be described for the operation, each
// header of ours declared, the body valid, with no property that the document does not name.

export type Received = {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly origin: string
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export type Contract = {
  /** @throws {Error} that says what of the answer is not as described */
  check(received: Received): void
  /** @throws {Error} when this is no body of that JSON answer */
  checkBody(of: { path: string; verb: string; status: number }, body: unknown): void
}

/** Headers that belong to the connection, to browsers or to security, and say nothing about the answer. */
const unspoken =
  /^(access-control-.*|connection|keep-alive|transfer-encoding|content-(type|length)|date|vary|timing-allow-origin|content-security-policy|cross-origin-.*|origin-agent-cluster|referrer-policy|strict-transport-security|x-.*)$/

const formats = {
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
  uuid: /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/,
  uri: (text: string) => URL.canParse(text),
}

/** @param document an OpenAPI document; without it the one that the API makes */
export function createContract(document: any = documentOf()): Contract {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false, formats })
  ajv.addSchema(closed(document, false), 'whole')
  ajv.addSchema(closed(document, true), 'part')
  const compiled = new Map<string, ValidateFunction>()
  const templates = Object.keys(document.paths)
    .map((template) => ({ template, pattern: patternOf(template) }))
    .toSorted((one, other) => holes(one.template) - holes(other.template))

  function validator(schema: 'whole' | 'part', pointer: readonly string[]): ValidateFunction {
    const $ref = `${schema}#/${pointer.map((step) => encodeURIComponent(escape(step))).join('/')}`
    const known = compiled.get($ref) ?? ajv.compile({ $ref })
    compiled.set($ref, known)
    return known
  }

  /** The place of the description of an answer, and of the component that it points to. */
  function find({ method, path, status }: Received): readonly string[] | undefined {
    const [bare = ''] = path.split('?', 1)
    const verb = method === 'HEAD' ? 'get' : method.toLowerCase()
    const { template } = templates.find(({ pattern }) => pattern.test(bare)) ?? {}
    const operation = template === undefined ? undefined : document.paths[template][verb]
    if (template === undefined || operation === undefined) {
      return undefined
    }
    const answer = operation.responses[status]
    if (answer === undefined) {
      throw new Error(`${operation.operationId} is not described to answer ${status}`)
    }
    return '$ref' in answer
      ? answer.$ref.slice(2).split('/')
      : ['paths', template, verb, 'responses', String(status)]
  }

  return {
    checkBody({ path, verb, status }, body) {
      const place = ['paths', path, verb, 'responses', String(status)]
      const isValid = validator('whole', [...place, 'content', 'application/json', 'schema'])
      if (!isValid(body)) {
        throw new Error(`${verb} ${path}: ${ajv.errorsText(isValid.errors, { dataVar: 'body' })}`)
      }
    },
    check(received) {
      const { method, origin, status, headers, text } = received
      const name = `${method} ${received.path.slice(0, 200)}`
      const fail = (what: string): never => {
        throw new Error(
          `${name} answered ${status}, not as documented: ${what}\n${text.slice(0, 500)}`,
        )
      }
      const place = find(received)
      const [type = ''] = headers.get('content-type')?.split(';') ?? []
      if (place === undefined) {
        // What is nowhere described is refused with a problem, but for the question what is possible here.
        if (method !== 'OPTIONS' && (status < 400 || type !== 'application/problem+json')) {
          fail('no operation has this method and path')
        }
        return
      }
      const answer = place.reduce((at, step) => at[step], document)
      checkHeaders(headers, answer.headers ?? {}, document.components.headers, fail)
      const content = Object.keys(answer.content ?? {})
      const media = content.find((one) => one === '*/*' || one.split(';')[0] === type)
      if (content.length > 0 ? media === undefined : text !== '') {
        fail(`the media type is ${type || 'none'}`)
      }
      if (media === undefined || !type.endsWith('json') || method === 'HEAD') {
        return
      }
      const isPart = new URLSearchParams(received.path.split('?')[1]).has('fields')
      const isValid = validator(isPart ? 'part' : 'whole', [...place, 'content', media, 'schema'])
      if (!isValid(JSON.parse(text.replaceAll(origin, documentedAt)))) {
        fail(ajv.errorsText(isValid.errors, { dataVar: 'body' }))
      }
    },
  }
}

function checkHeaders(
  headers: Headers,
  declared: Readonly<Record<string, unknown>>,
  components: Readonly<Record<string, any>>,
  fail: (what: string) => never,
): void {
  const names = new Map(Object.keys(declared).map((name) => [name.toLowerCase(), name]))
  const unknown = [...headers.keys()].filter((name) => !unspoken.test(name) && !names.has(name))
  const missing = [...names].filter(
    ([key, name]) => components[name].required === true && !headers.has(key),
  )
  if (unknown.length > 0 || missing.length > 0) {
    const told = missing.map(([, name]) => name).join(', ')
    fail(`undeclared headers: ${unknown.join(', ') || 'none'}; missing: ${told || 'none'}`)
  }
}

/** The document as answers are held to it: a published object may get new properties, a received one has none that is
 *  not described. A part of an item requires nothing. */
function closed(node: any, isPart: boolean): any {
  if (node === null || typeof node !== 'object') {
    return node
  }
  if (Array.isArray(node)) {
    return node.map((one) => closed(one, isPart))
  }
  const entries = Object.entries(node).map(([key, value]) => {
    const isOpen = key === 'allOf' || key === 'examples'
    return [key, isOpen ? value : closed(value, isPart)] as const
  })
  const made = Object.fromEntries(entries)
  if (node.type === 'object' && node.properties && !('additionalProperties' in node)) {
    made['additionalProperties'] = false
  }
  if (isPart && node['x-selectable'] === true) {
    delete made['required']
  }
  return made
}

const escape = (step: string): string => step.replaceAll('~', '~0').replaceAll('/', '~1')
const holes = (template: string): number => template.split('{').length
const patternOf = (template: string): RegExp =>
  new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`)
