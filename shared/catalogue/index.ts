export { Category } from './category.ts'
export { InventoryItem } from './inventory-item.ts'
export { Price } from './price.ts'
export { Product, productKinds, productStatuses } from './product.ts'
