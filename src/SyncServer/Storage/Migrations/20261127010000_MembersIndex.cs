using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace SyncServer.Storage.Migrations;

/// <summary>
/// The index of principals holds the whole key of a membership: whichever index a plan takes, it finds one member without going
/// through all spaces of the principal.
/// </summary>
[DbContext(typeof(SyncDb))]
[Migration("20261127010000_MembersIndex")]
internal sealed class MembersIndex : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => Replace(migrationBuilder, "principal, space_id");

    protected override void Down(MigrationBuilder migrationBuilder) => Replace(migrationBuilder, "principal");

    private static void Replace(MigrationBuilder migrationBuilder, string columns) =>
        migrationBuilder.Sql($"DROP INDEX ix_members_principal; CREATE INDEX ix_members_principal ON members ({columns});");
}
