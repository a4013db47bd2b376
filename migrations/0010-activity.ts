import { Migration } from '@mikro-orm/migrations'

/** Who did what to what; whose roles are whose; and the scopes with which a credential may read both. */
export class Activity extends Migration {
  override up(): void {
    this.addSql(`
create table activity_log (
  id bigint generated always as identity primary key,
  organisation_id uuid not null references organisations (id),
  member_id uuid references members (id),
  api_key_id uuid references api_keys (id),
  action text collate "C" not null,
  subject_type text collate "C" not null,
  subject_id text collate "C" not null,
  ip inet,
  details jsonb not null default '{}',
  created_at timestamptz not null default now()
)`)
    this
      .addSql(`create trigger activity_log_append_only before update or delete or truncate on activity_log
      for each statement execute function refuse_change()`)
    for (const [name, on] of Object.entries(indexes)) {
      this.addSql(`create index ${name} on activity_log ${on}`)
    }
    for (const statement of rolesKnowTheirOrganisation) {
      this.addSql(statement)
    }
    // A credential that may do all that its kind allowed so far may do so still; one that was made narrower stays so.
    this.addSql(`update api_keys set scopes = scopes || '{${newScopes.join(',')}}'
      where kind = 'secret' and scopes @> '{payment-links:read,payment-links:write,fx:read}'`)
    this.addSql(`update api_keys set scopes = scopes || '{members:read}'
      where kind = 'member' and scopes @> '{payment-links:read,fx:read}'`)
  }

  override down(): void {
    // Also from keys that were issued since, for without this migration nothing knows these scopes.
    this.addSql(`update api_keys
      set scopes = array(select scope from unnest(scopes) with ordinality as held (scope, position)
                          where scope <> all ('{${newScopes.join(',')}}') order by position)
      where scopes && '{${newScopes.join(',')}}'`)
    this.addSql('drop trigger member_roles_organisation on member_roles')
    this.addSql('drop function set_role_organisation()')
    this.addSql('alter table member_roles drop column organisation_id')
    this.addSql('drop table activity_log')
  }
}

/** The table is new, so nobody waits while they are built. */
const indexes: Readonly<Record<string, string>> = {
  idx_activity_log_org_created: '(organisation_id, created_at desc, id desc)',
  idx_activity_log_org_action: '(organisation_id, action, created_at desc, id desc)',
  // what one member did; keys without a member are not in it
  idx_activity_log_member: '(member_id, created_at desc, id desc) where member_id is not null',
  // the history of one thing; its id alone tells it, whatever its type
  idx_activity_log_subject: '(organisation_id, subject_id, created_at desc, id desc)',
}

// Like every table of a tenant's rows. Taken from the member and not from the writer, so that it cannot be another's.
const rolesKnowTheirOrganisation: readonly string[] = [
  'alter table member_roles add column organisation_id uuid',
  `update member_roles set organisation_id = members.organisation_id from members where id = member_id`,
  `alter table member_roles alter column organisation_id set not null,
     add foreign key (organisation_id) references organisations (id)`,
  `create function set_role_organisation() returns trigger language plpgsql as $$
begin
  new.organisation_id := (select organisation_id from members where id = new.member_id);
  return new;
end $$`,
  `create trigger member_roles_organisation before insert or update on member_roles
     for each row execute function set_role_organisation()`,
]

const newScopes = [
  'organisation:read',
  'members:read',
  'api-keys:read',
  'api-keys:write',
  'ledger:read',
  'accounting:read',
] as const
