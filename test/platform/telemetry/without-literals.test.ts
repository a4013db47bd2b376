import { expect } from 'chai'
import fc from 'fast-check'
import { showingStatements, withoutLiterals } from '#platform/telemetry/without-literals'

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
    [`do $body$ begin perform 'cut off`, 'do ?'],
    [`select a /* cut off 'b' `, 'select a '],
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

  it('is drawn together, and made once', () => {
    const show = showingStatements()
    const statement = `select a\n    from t where b in ('x', 'y',  'z') and c = $1`
    expect(show(statement)).to.equal('select a from t where b in (?) and c = $1')
    expect(show(statement)).to.equal(show(statement))
  })

  it('keeps its beginning and its end when it is long, and no part of a value where it was cut', () => {
    const show = showingStatements()
    const long = `select ${'column, '.repeat(1000)} 'secret' from the_table`
    expect(show(long))
      .to.match(/^select column, .* … .*from the_table$/)
      .and.have.length(2047)
    for (let end = 1; end <= long.length; end += 1) {
      expect(show(long.slice(0, end))).not.to.include('secret')
    }
  })
})
