using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace SyncServer.Storage.Migrations;

/// <summary>The first schema. Why each key and index is as it is stands in <see cref="SyncModel"/>.</summary>
[DbContext(typeof(SyncDb))]
[Migration("20261120000000_Initial")]
internal sealed class Initial : Migration
{
    private const string Spaces = """
        CREATE TABLE spaces (
            space_id uuid NOT NULL,
            head bigint NOT NULL,
            tombstone_horizon bigint NOT NULL,
            history_horizon bigint NOT NULL,
            name text COLLATE "C",
            personal boolean NOT NULL,
            created_at timestamptz NOT NULL,
            CONSTRAINT pk_spaces PRIMARY KEY (space_id)
        ) WITH (fillfactor = 50);

        CREATE TABLE accounts (
            principal text COLLATE "C" NOT NULL,
            space_id uuid NOT NULL,
            CONSTRAINT pk_accounts PRIMARY KEY (principal)
        );

        CREATE TABLE members (
            space_id uuid NOT NULL,
            principal text COLLATE "C" NOT NULL,
            role smallint NOT NULL,
            CONSTRAINT pk_members PRIMARY KEY (space_id, principal)
        );
        CREATE INDEX ix_members_principal ON members (principal);
        """;

    private const string Log = """
        CREATE TABLE records (
            space_id uuid NOT NULL,
            entity text COLLATE "C" NOT NULL,
            record_id text COLLATE "C" NOT NULL,
            rev bigint NOT NULL,
            seq bigint,
            deleted boolean NOT NULL,
            data json,
            data_bytes integer NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by text COLLATE "C" NOT NULL,
            op_id text COLLATE "C" NOT NULL,
            CONSTRAINT pk_records PRIMARY KEY (space_id, entity, record_id)
        );
        CREATE UNIQUE INDEX ux_records_seq ON records (space_id, seq);

        CREATE TABLE changes (
            space_id uuid NOT NULL,
            seq bigint NOT NULL,
            entity text COLLATE "C" NOT NULL,
            record_id text COLLATE "C" NOT NULL,
            rev bigint NOT NULL,
            kind smallint NOT NULL,
            op_id text COLLATE "C" NOT NULL,
            principal text COLLATE "C" NOT NULL,
            device text COLLATE "C" NOT NULL,
            n bigint,
            at timestamptz NOT NULL,
            tag bigint NOT NULL,
            patch json,
            sent json,
            before json,
            CONSTRAINT pk_changes PRIMARY KEY (space_id, seq)
        );
        CREATE UNIQUE INDEX ux_changes_rev ON changes (space_id, entity, record_id, rev);

        CREATE TABLE outcomes (
            space_id uuid NOT NULL,
            principal text COLLATE "C" NOT NULL,
            op_id text COLLATE "C" NOT NULL,
            fingerprint bytea NOT NULL,
            state smallint NOT NULL,
            status smallint NOT NULL,
            rev bigint,
            conflict_id text COLLATE "C",
            choice smallint,
            etag text COLLATE "C",
            location text COLLATE "C",
            body bytea,
            entity text COLLATE "C",
            decided_at timestamptz NOT NULL,
            CONSTRAINT pk_outcomes PRIMARY KEY (space_id, principal, op_id)
        );
        """;

    private const string Conflicts = """
        CREATE TABLE conflicts (
            space_id uuid NOT NULL,
            conflict_id text COLLATE "C" NOT NULL,
            entity text COLLATE "C" NOT NULL,
            record_id text COLLATE "C" NOT NULL,
            principal text COLLATE "C" NOT NULL,
            device text COLLATE "C" NOT NULL,
            state smallint NOT NULL,
            opened_at timestamptz NOT NULL,
            resolved_at timestamptz,
            CONSTRAINT pk_conflicts PRIMARY KEY (space_id, conflict_id)
        );
        CREATE UNIQUE INDEX ux_conflicts_open ON conflicts (space_id, entity, record_id, principal, device) WHERE state = 1;
        CREATE INDEX ix_conflicts_state ON conflicts (space_id, state, conflict_id);
        """;

    private const string Operators = """
        CREATE TABLE unchanged_ops (
            space_id uuid NOT NULL,
            entity text COLLATE "C" NOT NULL,
            record_id text COLLATE "C" NOT NULL,
            rev bigint NOT NULL,
            principal text COLLATE "C" NOT NULL,
            op_id text COLLATE "C" NOT NULL,
            device text COLLATE "C" NOT NULL,
            n bigint,
            at timestamptz NOT NULL,
            sent json NOT NULL,
            CONSTRAINT pk_unchanged_ops PRIMARY KEY (space_id, entity, record_id, rev, principal, op_id)
        );

        CREATE TABLE unique_keys (
            space_id uuid NOT NULL,
            entity text COLLATE "C" NOT NULL,
            rule integer NOT NULL,
            hash text COLLATE "C" NOT NULL,
            record_id text COLLATE "C" NOT NULL,
            CONSTRAINT pk_unique_keys PRIMARY KEY (space_id, entity, rule, hash)
        );

        CREATE TABLE totals (
            space_id uuid NOT NULL,
            entity text COLLATE "C" NOT NULL,
            live bigint NOT NULL,
            applied bigint NOT NULL,
            merged bigint NOT NULL,
            parked bigint NOT NULL,
            refused bigint NOT NULL,
            replayed bigint NOT NULL,
            reused bigint NOT NULL,
            opened bigint NOT NULL,
            resolved bigint NOT NULL,
            CONSTRAINT pk_totals PRIMARY KEY (space_id, entity)
        ) WITH (fillfactor = 50);

        CREATE TABLE server (
            id smallint NOT NULL,
            epoch text COLLATE "C" NOT NULL,
            system_identifier text COLLATE "C" NOT NULL,
            cursor_key bytea NOT NULL,
            created_at timestamptz NOT NULL,
            CONSTRAINT pk_server PRIMARY KEY (id),
            CONSTRAINT ck_server_one_row CHECK (id = 1)
        );
        """;

    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql(Spaces);
        migrationBuilder.Sql(Log);
        migrationBuilder.Sql(Conflicts);
        migrationBuilder.Sql(Operators);
    }

    protected override void Down(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql("DROP TABLE server, totals, unique_keys, unchanged_ops, conflicts, outcomes, changes, records, members, accounts, spaces;");
}
