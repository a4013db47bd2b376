import type { Setting, Settings } from './setting.ts'

/** Settings of one subject, as the documents show them. */
export type SettingSection = { readonly title: string; readonly settings: Settings }

/** `.env.example`: every setting, commented out, so that a copy of it changes nothing. */
export function renderEnvExample(sections: readonly SettingSection[]): string {
  const head = [
    '# Every variable that Tidegate reads, with its default. Generated from the declarations: do not edit.',
    '# Copy to .env and take away the # where a value should differ; nothing has to be set for `npm start`.',
    '# Synonyms mean the same; set to different values they keep the product from starting.',
  ].join('\n')
  const parts = sections.map(({ title, settings }) => {
    const entries = Object.entries(settings).map(([name, setting]) => entry(name, setting))
    return [`# --- ${title} ---`, ...entries].join('\n\n')
  })
  return `${[head, ...parts].join('\n\n')}\n`
}

/** The tables of the documentation, one for each subject. */
export function renderSettingTables(sections: readonly SettingSection[]): string {
  const parts = sections.map(({ title, settings }) => {
    const rows = Object.entries(settings).map(([name, setting]) => row(name, setting))
    const head = '| Variable | Default | Must be | What it decides |\n| --- | --- | --- | --- |'
    return `## ${title}\n\n${[head, ...rows].join('\n')}`
  })
  return `${parts.join('\n\n')}\n`
}

function entry(name: string, setting: Setting): string {
  const { schema, synonyms = [], unit, comesWith } = setting
  const form = `${schema.description ?? 'text'}${unit ? ` (${unit})` : ''}`
  const lines = [
    setting.meaning,
    `Must be ${form}.`,
    ...(synonyms.length > 0 ? [`Synonym: ${synonyms.join(', ')}.`] : []),
    ...requirement(setting),
    ...(comesWith ? [`Read and checked already; takes effect with ${comesWith}.`] : []),
  ]
  const text = wrap(lines.join(' '), 98).map((line) => `# ${line}`)
  return [...text, `#${name}=${development(setting) ?? setting.example ?? ''}`].join('\n')
}

function requirement(setting: Setting): readonly string[] {
  const standard = setting.standard
  const differs = typeof standard === 'object' && standard.production !== undefined
  return [
    ...(setting.required ? ['Needed by every process that is started by itself.'] : []),
    ...(setting.productionRequired
      ? [`In production needed by ${setting.productionRequired.join(' and ')}.`]
      : []),
    ...(differs ? [`In production the default is ${standard.production}.`] : []),
  ]
}

function row(name: string, setting: Setting): string {
  const names = [name, ...(setting.synonyms ?? [])].map((one) => `\`${one}\``).join(', ')
  const note = setting.comesWith ? ` Takes effect with ${setting.comesWith}.` : ''
  const needed = setting.required
    ? 'required'
    : setting.productionRequired
      ? `production: required by ${setting.productionRequired.join(', ')}`
      : '-'
  const form = `${setting.schema.description ?? 'text'}${setting.unit ? `, ${setting.unit}` : ''}`
  const cells = [names, standards(setting) ?? needed, form, `${setting.meaning}${note}`]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function standards(setting: Setting): string | undefined {
  const { standard } = setting
  if (standard === undefined || setting.secret) {
    return undefined
  }
  if (typeof standard === 'string') {
    return standard === '' ? 'none' : `\`${standard}\``
  }
  return `\`${standard.development}\`; production: ${standard.production ? `\`${standard.production}\`` : 'required'}`
}

/** The default outside production; a secret's is never printed. */
function development(setting: Setting): string | undefined {
  const { standard } = setting
  if (setting.secret) {
    return undefined
  }
  return typeof standard === 'object' ? standard.development : standard
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
