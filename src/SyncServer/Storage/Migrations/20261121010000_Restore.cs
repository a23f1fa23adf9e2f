using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace SyncServer.Storage.Migrations;

/// <summary>What tells a restored database: its timeline too, and neither mark where PostgreSQL does not tell it.</summary>
[DbContext(typeof(SyncDb))]
[Migration("20261121010000_Restore")]
internal sealed class Restore : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql("ALTER TABLE server ADD COLUMN timeline integer, ALTER COLUMN system_identifier DROP NOT NULL;");

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        UPDATE server SET system_identifier = coalesce(system_identifier, '');
        ALTER TABLE server DROP COLUMN timeline, ALTER COLUMN system_identifier SET NOT NULL;
        """);
}
