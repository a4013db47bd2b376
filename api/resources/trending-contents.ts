import { defineRanking } from './top-contents.ts'

/** Published contents, those first that are new and much engaged with. */
export const trendingContents = defineRanking('contents/trending', '-trendingScore')
