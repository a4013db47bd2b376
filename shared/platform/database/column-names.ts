import { UnderscoreNamingStrategy } from '@mikro-orm/core'

/** snake_case columns, and for constraints the names PostgreSQL gives them itself (`members_organisation_id_fkey`),
 *  so that the schema is written once, in the migrations, and entities need not repeat a name. */
export class ColumnNames extends UnderscoreNamingStrategy {
  override indexName(
    ...[tableName, columns, type]: Parameters<UnderscoreNamingStrategy['indexName']>
  ): string {
    return type === 'foreign'
      ? `${tableName}_${columns.join('_')}_fkey`
      : super.indexName(tableName, columns, type)
  }
}
