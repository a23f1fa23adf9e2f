using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace SyncServer.Storage.Migrations;

/// <summary>
/// The mark that a dump does not keep, whichever cluster it is restored into. Null for the row that exists: the first look notes what
/// it finds.
/// </summary>
[DbContext(typeof(SyncDb))]
[Migration("20261121060000_TableMark")]
internal sealed class TableMark : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("ALTER TABLE server ADD COLUMN table_oid bigint;");

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("ALTER TABLE server DROP COLUMN table_oid;");
}
