export { Asset, assetKinds, type AssetKind } from './asset.ts'
export { assets, findAsset } from './assets.ts'
