using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace SyncServer.Storage.Migrations;

/// <summary>
/// The figures of a space move into its row. Who writes them holds that row, so the first statement waits for all that are at it and
/// keeps out all others until the commit. A server that still writes to the table fails and leaves nothing behind.
/// </summary>
[DbContext(typeof(SyncDb))]
[Migration("20261128010000_Figures")]
internal sealed class Figures : Migration
{
    // Digits of hashes get no shorter by compression, which would cost each write more than all the rest of it. to_hex takes a
    // bigint, whose upper half stands for the sums beyond its range.
    private const string Fill = """
        ALTER TABLE spaces ADD COLUMN figures json;
        ALTER TABLE spaces ALTER COLUMN figures SET STORAGE EXTERNAL;
        ALTER TABLE spaces SET (toast_tuple_target = 4080);
        UPDATE spaces s SET figures = ('{' || coalesce((
            SELECT string_agg(to_json(t.entity) || ':{' || concat_ws(',',
                    '"live":' || nullif(t.live, 0),
                    '"sum":"' || lpad(to_hex((nullif(t.sum, 0) - CASE WHEN t.sum < 9223372036854775808 THEN 0 ELSE 18446744073709551616 END)::bigint), 16, '0') || '"',
                    '"applied":' || nullif(t.applied, 0), '"merged":' || nullif(t.merged, 0), '"parked":' || nullif(t.parked, 0),
                    '"refused":' || nullif(t.refused, 0), '"replayed":' || nullif(t.replayed, 0), '"reused":' || nullif(t.reused, 0),
                    '"opened":' || nullif(t.opened, 0), '"resolved":' || nullif(t.resolved, 0)) || '}',
                ',' ORDER BY t.entity)
            FROM totals t WHERE t.space_id = s.space_id), '') || '}')::json;
        ALTER TABLE spaces ALTER COLUMN figures SET NOT NULL;
        DROP TABLE totals;
        """;

    private const string Back = """
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
            sum numeric(20) NOT NULL,
            CONSTRAINT pk_totals PRIMARY KEY (space_id, entity)
        ) WITH (fillfactor = 50);
        LOCK TABLE spaces IN ACCESS EXCLUSIVE MODE;
        ALTER TABLE spaces RESET (toast_tuple_target);
        INSERT INTO totals
        SELECT s.space_id, f.entity, coalesce(t.live, 0), coalesce(t.applied, 0), coalesce(t.merged, 0), coalesce(t.parked, 0),
            coalesce(t.refused, 0), coalesce(t.replayed, 0), coalesce(t.reused, 0), coalesce(t.opened, 0), coalesce(t.resolved, 0),
            mod(('x' || coalesce(t.sum, '0'))::bit(64)::bigint + 18446744073709551616, 18446744073709551616)
        FROM spaces s
        CROSS JOIN LATERAL json_each(s.figures) AS f(entity, figures)
        CROSS JOIN LATERAL json_to_record(f.figures) AS t(live bigint, applied bigint, merged bigint, parked bigint, refused bigint,
            replayed bigint, reused bigint, opened bigint, resolved bigint, sum text);
        ALTER TABLE spaces DROP COLUMN figures;
        """;

    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(Fill);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(Back);
}
