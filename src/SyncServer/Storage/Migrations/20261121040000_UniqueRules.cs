using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace SyncServer.Storage.Migrations;

/// <summary>
/// Unique rules are known by their fields, and a space says which rules its keys are those of. The keys follow from the
/// records, so they are not carried over: every space without a mark gets them anew.
/// </summary>
[DbContext(typeof(SyncDb))]
[Migration("20261121040000_UniqueRules")]
internal sealed class UniqueRules : Migration
{
    private const string Keys = """
        DROP TABLE unique_keys;
        CREATE TABLE unique_keys (
            space_id uuid NOT NULL,
            entity text COLLATE "C" NOT NULL,
            rule text COLLATE "C" NOT NULL,
            hash text COLLATE "C" NOT NULL,
            duplicate bigint NOT NULL,
            record_id text COLLATE "C" NOT NULL,
            CONSTRAINT pk_unique_keys PRIMARY KEY (space_id, entity, rule, hash, duplicate)
        );
        ALTER TABLE spaces ADD COLUMN unique_rules text COLLATE "C";
        """;

    // What an accepted op that changed nothing was answered, for the record's history, and the bytes by which its pages are cut.
    private const string Unchanged = """
        ALTER TABLE unchanged_ops ADD COLUMN merge json, ADD COLUMN bytes integer;
        """;

    private const string Back = """
        ALTER TABLE unchanged_ops DROP COLUMN merge, DROP COLUMN bytes;
        ALTER TABLE spaces DROP COLUMN unique_rules;
        DROP TABLE unique_keys;
        CREATE TABLE unique_keys (
            space_id uuid NOT NULL,
            entity text COLLATE "C" NOT NULL,
            rule integer NOT NULL,
            hash text COLLATE "C" NOT NULL,
            record_id text COLLATE "C" NOT NULL,
            CONSTRAINT pk_unique_keys PRIMARY KEY (space_id, entity, rule, hash)
        );
        """;

    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql(Keys);
        migrationBuilder.Sql(Unchanged);
    }

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(Back);
}
