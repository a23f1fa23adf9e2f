using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace SyncServer.Storage.Migrations;

/// <summary>
/// The sum of the digests of live records, computed once for those that exist. The table is locked from the first statement
/// to the commit, so no write falls between the two; it waits, and where its server does not know the column it fails and
/// leaves nothing behind.
/// </summary>
[DbContext(typeof(SyncDb))]
[Migration("20261121020000_Checksums")]
internal sealed class Checksums : Migration
{
    // sum over bigint is numeric and cannot overflow; mod has the sign of what is divided.
    private const string Add = """
        ALTER TABLE totals ADD COLUMN sum numeric(20);
        UPDATE totals t SET sum = coalesce((
            SELECT mod(mod(sum(('x' || encode(substr(sha256(convert_to(r.entity || '/' || r.record_id || ':' || r.rev, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint),
                18446744073709551616) + 18446744073709551616, 18446744073709551616)
            FROM records r WHERE r.space_id = t.space_id AND r.entity = t.entity AND NOT r.deleted), 0);
        ALTER TABLE totals ALTER COLUMN sum SET NOT NULL;
        """;

    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(Add);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("ALTER TABLE totals DROP COLUMN sum;");
}
