import { expect } from 'chai'
import fc from 'fast-check'
import { withoutLiterals } from '#platform/telemetry/without-literals'

describe('a statement in a span', () => {
  const cases: readonly (readonly [string, string])[] = [
    [`select * from a where b = 'x''y' and c = 12.5`, 'select * from a where b = ? and c = ?'],
    [`select $1, a1, t2.c3 limit 50`, 'select $1, a1, t2.c3 limit ?'],
    [`select E'it\\'s' || 'secret'`, 'select ? || ?'],
    [`-- Redis's counterpart\nselect 'a'`, '\nselect ?'],
    [`select '-- no comment', 'b'`, 'select ?, ?'],
    [`select "o'clock" /* it's */ from t where d = 'e'`, `select "o'clock"  from t where d = ?`],
    [`do $$ begin perform 'x'; end $$`, 'do ?'],
    [`select 'cut off`, 'select ?'],
  ]
  for (const [statement, shown] of cases) {
    it(`shows ${JSON.stringify(statement)} without its values`, () => {
      expect(withoutLiterals(statement)).to.equal(shown)
    })
  }

  it('never shows a value, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (value) => {
        const literal = `'${value.replaceAll("'", "''")}'`
        const shown = withoutLiterals(`select a from b where c = ${literal} and d = ${literal}`)
        expect(shown).to.equal('select a from b where c = ? and d = ?')
      }),
    )
  })
})
