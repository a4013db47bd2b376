import { expect } from 'chai'
import { assert, constantFrom, nat, pre, property, uint8Array } from 'fast-check'
import {
  mintCredential,
  parseCredential,
  prefixes,
  recogniseCredential,
  type CredentialKind,
} from '#members'
import { Problem } from '#platform/problem'
import { systemRandom, type Random } from '#platform/random'

const kinds = constantFrom<CredentialKind>('secret', 'publishable', 'member', 'admin')
const secrets = uint8Array({ minLength: 32, maxLength: 32 })
const randomOf = (bytes: Uint8Array): Random => ({
  ...systemRandom,
  bytes: () => Buffer.from(bytes),
})
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

describe('members: a credential', () => {
  it('has one length and its own prefix, whatever its bytes are', () => {
    assert(
      property(kinds, secrets, (kind, bytes) => {
        const { text, prefix, lastFour } = mintCredential(kind, randomOf(bytes))
        expect(text).to.match(/^tg_(sk|pk|mt|at)_[0-9A-Za-z]{49}$/)
        expect(text.startsWith(prefix)).to.equal(true)
        expect([prefix, lastFour]).to.deep.equal([prefixes[kind], text.slice(-4)])
      }),
    )
  })

  it('is recognised by what was stored of it', () => {
    assert(
      property(kinds, secrets, (kind, bytes) => {
        const { text, ...stored } = mintCredential(kind, randomOf(bytes))
        expect(recogniseCredential(text)).to.deep.equal(stored)
        expect(parseCredential(text)).to.deep.equal(stored)
      }),
    )
  })

  it('differs for different bytes', () => {
    assert(
      property(secrets, secrets, (one, other) => {
        pre(Buffer.compare(one, other) !== 0)
        const mint = (bytes: Uint8Array) => mintCredential('secret', randomOf(bytes)).text
        expect(mint(one)).not.to.equal(mint(other))
      }),
    )
  })
})

describe('members: a mistyped credential', () => {
  it('is refused wherever one character is wrong', () => {
    const { text } = mintCredential('secret', systemRandom)
    for (let at = 0; at < text.length; at += 1) {
      for (const character of alphabet.replace(text.charAt(at), '')) {
        const typo = text.slice(0, at) + character + text.slice(at + 1)
        expect(recogniseCredential(typo), typo).to.equal(undefined)
      }
    }
  })

  it('is refused when two neighbours changed places, or a character is missing or too many', () => {
    assert(
      property(kinds, secrets, nat(53), (kind, bytes, at) => {
        const { text } = mintCredential(kind, randomOf(bytes))
        const [one, two] = [text.charAt(at), text.charAt(at + 1)]
        pre(one !== two)
        const swapped = text.slice(0, at) + two + one + text.slice(at + 2)
        const cut = text.slice(0, at) + text.slice(at + 1)
        const doubled = text.slice(0, at) + one + text.slice(at)
        for (const typo of [swapped, cut, doubled, `${text}\n`, ` ${text}`]) {
          expect(recogniseCredential(typo), typo).to.equal(undefined)
        }
      }),
    )
  })

  it('is not another kind for having its prefix', () => {
    const { text } = mintCredential('publishable', systemRandom)
    expect(recogniseCredential(text.replace('tg_pk_', 'tg_sk_'))).to.equal(undefined)
    expect(recogniseCredential(text.replace('tg_pk_', 'tg_xx_'))).to.equal(undefined)
  })

  it('is explained without being repeated', () => {
    const typo = `${mintCredential('secret', systemRandom).text}x`
    expect(() => parseCredential(typo))
      .to.throw(Problem)
      .that.satisfies(
        (problem: Problem) =>
          problem.type.slug === 'members/credential-malformed' && !problem.message.includes(typo),
      )
  })
})
