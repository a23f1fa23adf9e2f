using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;

namespace SyncServer.Tests.Storage;

public sealed class SchemaTests
{
    private const string Ours = "c.relnamespace = 'public'::regnamespace AND c.relname <> '__EFMigrationsHistory'";

    [Fact]
    public async Task The_columns_that_migrations_leave_are_those_of_the_model()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        var migrated = await database.LinesAsync(
            $"""
            SELECT concat_ws(' ', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                CASE WHEN a.attnotnull THEN 'not null' ELSE 'null' END,
                (SELECT 'collate ' || collname FROM pg_collation WHERE oid = a.attcollation))
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE {Ours} AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
            """);
        var model = Tables(database).SelectMany(table => table.Columns.Select(column => string.Join(
            ' ',
            new[]
            {
                table.Name, column.Name, column.StoreType, column.IsNullable ? "null" : "not null",
                column.Collation is { } collation ? "collate " + collation : null,
            }.OfType<string>())));
        Assert.Equal(Sorted(model), Sorted(migrated));
    }

    [Fact]
    public async Task The_keys_and_indexes_that_migrations_leave_are_those_of_the_model()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        var migrated = await database.LinesAsync(
            $"""
            SELECT concat_ws(' ', c.relname, x.relname,
                CASE WHEN i.indisprimary THEN 'key' WHEN i.indisunique THEN 'unique' ELSE 'index' END,
                (SELECT string_agg(a.attname, ',' ORDER BY k.place)
                 FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum),
                'where ' || pg_get_expr(i.indpred, c.oid),
                CASE WHEN 0 <> ANY (i.indoption::int2[]) THEN 'options ' || i.indoption::text END,
                CASE WHEN m.amname <> 'btree' THEN m.amname END)
            FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
            JOIN pg_am m ON m.oid = x.relam
            WHERE {Ours}
            """);
        var model = Tables(database).SelectMany(table => table.Indexes
            .Select(index =>
                $"{table.Name} {index.Name} {(index.IsUnique ? "unique" : "index")} {Names(index.Columns)}"
                + (index.Filter is { } filter ? $" where ({filter})" : ""))
            .Append($"{table.Name} {table.PrimaryKey!.Name} key {Names(table.PrimaryKey.Columns)}"));
        Assert.Equal(Sorted(model), Sorted(migrated));
    }

    [Fact]
    public async Task The_checks_and_storage_parameters_that_migrations_leave_are_those_of_the_model()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        var migrated = await database.LinesAsync(
            $"""
            SELECT concat_ws(' ', c.relname, k.conname, pg_get_expr(k.conbin, c.oid))
            FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE {Ours} AND k.contype = 'c'
            UNION ALL SELECT c.relname || ' ' || unnest(c.reloptions) FROM pg_class c WHERE {Ours}
            """);
        const string parameter = "Npgsql:StorageParameter:";
        var model = Tables(database).SelectMany(table => table.CheckConstraints
            .Select(check => $"{table.Name} {check.Name} ({check.Sql})")
            .Concat(table.GetAnnotations().Where(annotation => annotation.Name.StartsWith(parameter, StringComparison.Ordinal))
                .Select(annotation => $"{table.Name} {annotation.Name[parameter.Length..]}={annotation.Value}")));
        Assert.Equal(Sorted(model), Sorted(migrated));
    }

    [Fact]
    public async Task Nothing_is_in_the_schema_that_a_distributed_database_could_not_hold()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        Assert.Empty(await database.LinesAsync(
            $"""
            SELECT 'relation ' || c.relname FROM pg_class c WHERE {Ours} AND c.relkind NOT IN ('r', 'i')
            UNION ALL SELECT 'foreign key ' || conname FROM pg_constraint WHERE contype = 'f'
            UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger
            UNION ALL SELECT 'default of ' || c.relname || '.' || a.attname
                FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                WHERE {Ours} AND (a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '')
            UNION ALL SELECT 'key without the space first: ' || x.relname
                FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                WHERE {Ours} AND i.indisunique AND a.attname <> 'space_id' AND c.relname NOT IN ('accounts', 'server')
            """));
    }

    [Fact]
    public async Task Every_change_of_the_model_has_its_migration()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using var source = database.Open();
        await using var db = ScratchDatabase.Context(source);
        Assert.False(db.Database.HasPendingModelChanges());
    }

    [Fact]
    public async Task The_first_migration_can_be_taken_back()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        await using var source = database.Open();
        await using var db = ScratchDatabase.Context(source);
        await db.Database.MigrateAsync("0");
        Assert.Empty(await database.LinesAsync($"SELECT c.relname::text FROM pg_class c WHERE {Ours} AND c.relkind = 'r'"));
    }

    private static ITable[] Tables(ScratchDatabase database)
    {
        using var source = database.Open();
        using var db = ScratchDatabase.Context(source);
        return [.. db.GetService<IDesignTimeModel>().Model.GetRelationalModel().Tables];
    }

    private static string Names(IEnumerable<IColumn> columns) => string.Join(',', columns.Select(column => column.Name));

    private static string[] Sorted(IEnumerable<string> lines) => [.. lines.Order(StringComparer.Ordinal)];
}
