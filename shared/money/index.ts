export { assets, findAsset, type Asset, type AssetKind } from './assets.ts'
