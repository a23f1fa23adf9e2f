using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

namespace SyncServer.Storage;

/// <summary>
/// Keys, indexes and column types. Every primary key and unique index of a space's table begins with space_id: that is
/// isolation, locality and the distribution column at once. There are no foreign keys, triggers, sequences or defaults,
/// so that the tables can be distributed, and a row never holds a value that no statement gave it.
/// </summary>
internal static class SyncModel
{
    /// <summary>
    /// Per cent of a page filled by inserts into tables whose rows are updated in place: no index holds the updated
    /// columns, so with room on the page each update is heap-only and costs no index write and no vacuum.
    /// </summary>
    private const int RoomForUpdates = 50;

    /// <summary>
    /// Bytes of a row of which two versions fit on a page: up to it the figures of a space stand in the row, and its update stays
    /// heap-only. PostgreSQL's own bound is half of that, above which it compresses figures at each write, for longer than the write takes.
    /// </summary>
    private const int HalfAPage = 4080;

    public static void Build(ModelBuilder model)
    {
        // The strategy goes first: conventions would otherwise make the integer key an identity column.
        model.Model.SetValueGenerationStrategy(NpgsqlValueGenerationStrategy.None);
        Spaces(model);
        Log(model);
        Conflicts(model);
        Operators(model);
        foreach (var property in model.Model.GetEntityTypes().SelectMany(type => type.GetProperties()))
        {
            Columns(property);
        }
    }

    private static void Spaces(ModelBuilder model)
    {
        model.Entity<SpaceRow>(space =>
        {
            space.ToTable("spaces").HasStorageParameter("fillfactor", RoomForUpdates).HasStorageParameter("toast_tuple_target", HalfAPage);
            space.HasKey(s => s.SpaceId).HasName("pk_spaces");
            space.Property(s => s.Figures).HasColumnType("json");
        });
        model.Entity<AccountRow>(account =>
        {
            account.ToTable("accounts");
            account.HasKey(a => a.Principal).HasName("pk_accounts");
        });
        model.Entity<MemberRow>(member =>
        {
            member.ToTable("members");
            member.HasKey(m => new { m.SpaceId, m.Principal }).HasName("pk_members");
            member.HasIndex(m => new { m.Principal, m.SpaceId }).HasDatabaseName("ix_members_principal");
        });
    }

    private static void Log(ModelBuilder model)
    {
        // An update of a record moves its seq, which is indexed, so it can never be heap-only: pages are filled whole. That index leaves
        // out purged tombstones, so that only who asks for positions may use it: for an empty table it looks as good as the key.
        model.Entity<RecordRow>(record =>
        {
            record.ToTable("records");
            record.HasKey(r => new { r.SpaceId, r.Entity, r.RecordId }).HasName("pk_records");
            record.HasIndex(r => new { r.SpaceId, r.Seq }).IsUnique().HasDatabaseName("ux_records_seq").HasFilter("seq IS NOT NULL");
            // For retention alone: of tombstones only, so other writes do not pay for it.
            record.HasIndex(r => new { r.SpaceId, r.Seq }, "ix_records_tombstones").HasFilter("deleted AND (seq IS NOT NULL)");
            record.Property(r => r.Data).HasColumnType("json");
        });
        model.Entity<ChangeRow>(change =>
        {
            change.ToTable("changes");
            change.HasKey(c => new { c.SpaceId, c.Seq }).HasName("pk_changes");
            // Without creates, which are found by their positions (RecordChanges) and whose records are unique by their own key.
            change.HasIndex(c => new { c.SpaceId, c.Entity, c.RecordId, c.Rev }).IsUnique().HasDatabaseName("ux_changes_rev").HasFilter("rev > 1");
            change.Property(c => c.Patch).HasColumnType("json");
            change.Property(c => c.Sent).HasColumnType("json");
            change.Property(c => c.Before).HasColumnType("json");
        });
        model.Entity<OutcomeRow>(outcome =>
        {
            outcome.ToTable("outcomes");
            outcome.HasKey(o => new { o.SpaceId, o.Principal, o.OpId }).HasName("pk_outcomes");
            // For retention alone. It holds whole outcomes only, and those of one transaction under one key, so it stays small. By time
            // alone, over all spaces, because a key that only rises is written at the end of the index, and no place is looked for.
            outcome.HasIndex(o => o.DecidedAt).HasFilter("body IS NOT NULL").HasDatabaseName("ix_outcomes_whole");
        });
    }

    private static void Conflicts(ModelBuilder model) => model.Entity<ConflictRow>(conflict =>
    {
        conflict.ToTable("conflicts");
        conflict.HasKey(c => new { c.SpaceId, c.ConflictId }).HasName("pk_conflicts");
        conflict.HasIndex(c => new { c.SpaceId, c.Entity, c.RecordId, c.Principal, c.Device }).IsUnique()
            .HasFilter("state = 1").HasDatabaseName("ux_conflicts_open");
        conflict.HasIndex(c => new { c.SpaceId, c.State, c.ConflictId }).HasDatabaseName("ix_conflicts_state");
    });

    private static void Operators(ModelBuilder model)
    {
        model.Entity<UnchangedOpRow>(op =>
        {
            op.ToTable("unchanged_ops");
            op.HasKey(o => new { o.SpaceId, o.Entity, o.RecordId, o.Rev, o.Principal, o.OpId }).HasName("pk_unchanged_ops");
            op.HasIndex(o => new { o.SpaceId, o.At }).HasDatabaseName("ix_unchanged_ops_at");
            op.Property(o => o.Sent).HasColumnType("json");
            op.Property(o => o.Merge).HasColumnType("json");
        });
        model.Entity<UniqueKeyRow>(key =>
        {
            key.ToTable("unique_keys");
            key.HasKey(k => new { k.SpaceId, k.Entity, k.Rule, k.Hash, k.Duplicate }).HasName("pk_unique_keys");
        });
        model.Entity<ServerRow>(server =>
        {
            server.ToTable("server", table => table.HasCheckConstraint("ck_server_one_row", "id = 1"));
            server.HasKey(s => s.Id).HasName("pk_server");
        });
    }

    /// <summary>
    /// Names are snake case, enumerations are small numbers and no value is generated. Every text is compared by its
    /// bytes: what is stored is never sorted for people, and no update of a C library can put an index out of order.
    /// </summary>
    private static void Columns(IMutableProperty property)
    {
        property.SetColumnName(JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name));
        property.ValueGenerated = ValueGenerated.Never;
        if (property.ClrType.IsEnum)
        {
            property.SetProviderClrType(typeof(short));
        }

        if (property.ClrType == typeof(string) && property.GetColumnType() != "json")
        {
            property.SetCollation("C");
        }
    }
}
