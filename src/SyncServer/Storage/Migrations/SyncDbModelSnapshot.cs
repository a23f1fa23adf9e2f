using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

namespace SyncServer.Storage.Migrations;

/// <summary>
/// The model as the newest migration leaves it. It is written out, not derived from <see cref="SyncModel"/>, so that a
/// change of the model without a migration shows as pending.
/// </summary>
[DbContext(typeof(SyncDb))]
internal sealed class SyncDbModelSnapshot : ModelSnapshot
{
    protected override void BuildModel(ModelBuilder modelBuilder)
    {
        modelBuilder
            .HasAnnotation("ProductVersion", "10.0.14")
            .HasAnnotation("Relational:MaxIdentifierLength", 63)
            .HasAnnotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.None);
        modelBuilder.Entity("SyncServer.Storage.SpaceRow", Space);
        modelBuilder.Entity("SyncServer.Storage.AccountRow", Account);
        modelBuilder.Entity("SyncServer.Storage.MemberRow", Member);
        modelBuilder.Entity("SyncServer.Storage.RecordRow", Record);
        modelBuilder.Entity("SyncServer.Storage.ChangeRow", Change);
        modelBuilder.Entity("SyncServer.Storage.OutcomeRow", Outcome);
        modelBuilder.Entity("SyncServer.Storage.ConflictRow", Conflict);
        modelBuilder.Entity("SyncServer.Storage.UnchangedOpRow", UnchangedOp);
        modelBuilder.Entity("SyncServer.Storage.UniqueKeyRow", UniqueKey);
        modelBuilder.Entity("SyncServer.Storage.ServerRow", Server);
    }

    private static void Space(EntityTypeBuilder row)
    {
        row.Property<Guid>("SpaceId").HasColumnType("uuid").HasColumnName("space_id").ValueGeneratedNever();
        row.Property<DateTimeOffset>("CreatedAt").HasColumnType("timestamp with time zone").HasColumnName("created_at");
        row.Property<string>("Figures").IsRequired().HasColumnType("json").HasColumnName("figures");
        row.Property<long>("Head").HasColumnType("bigint").HasColumnName("head");
        row.Property<long>("HistoryHorizon").HasColumnType("bigint").HasColumnName("history_horizon");
        row.Property<string>("Name").HasColumnType("text").HasColumnName("name").UseCollation("C");
        row.Property<bool>("Personal").HasColumnType("boolean").HasColumnName("personal");
        row.Property<long>("TombstoneHorizon").HasColumnType("bigint").HasColumnName("tombstone_horizon");
        row.Property<string>("UniqueRules").HasColumnType("text").HasColumnName("unique_rules").UseCollation("C");
        row.HasKey("SpaceId").HasName("pk_spaces");
        row.ToTable("spaces");
        row.HasAnnotation("Npgsql:StorageParameter:toast_tuple_target", 4080);
        row.HasAnnotation("Npgsql:StorageParameter:fillfactor", 50);
    }

    private static void Account(EntityTypeBuilder row)
    {
        row.Property<string>("Principal").IsRequired().HasColumnType("text").HasColumnName("principal").UseCollation("C");
        row.Property<Guid>("SpaceId").HasColumnType("uuid").HasColumnName("space_id");
        row.HasKey("Principal").HasName("pk_accounts");
        row.ToTable("accounts");
    }

    private static void Member(EntityTypeBuilder row)
    {
        row.Property<Guid>("SpaceId").HasColumnType("uuid").HasColumnName("space_id");
        row.Property<string>("Principal").IsRequired().HasColumnType("text").HasColumnName("principal").UseCollation("C");
        row.Property<short>("Role").HasColumnType("smallint").HasColumnName("role");
        row.HasKey("SpaceId", "Principal").HasName("pk_members");
        row.HasIndex("Principal", "SpaceId").HasDatabaseName("ix_members_principal");
        row.ToTable("members");
    }

    private static void Record(EntityTypeBuilder row)
    {
        row.Property<Guid>("SpaceId").HasColumnType("uuid").HasColumnName("space_id");
        row.Property<string>("Entity").IsRequired().HasColumnType("text").HasColumnName("entity").UseCollation("C");
        row.Property<string>("RecordId").IsRequired().HasColumnType("text").HasColumnName("record_id").UseCollation("C");
        row.Property<string>("Data").HasColumnType("json").HasColumnName("data");
        row.Property<int>("DataBytes").HasColumnType("integer").HasColumnName("data_bytes");
        row.Property<bool>("Deleted").HasColumnType("boolean").HasColumnName("deleted");
        row.Property<string>("OpId").IsRequired().HasColumnType("text").HasColumnName("op_id").UseCollation("C");
        row.Property<long>("Rev").HasColumnType("bigint").HasColumnName("rev");
        row.Property<long?>("Seq").HasColumnType("bigint").HasColumnName("seq");
        row.Property<DateTimeOffset>("UpdatedAt").HasColumnType("timestamp with time zone").HasColumnName("updated_at");
        row.Property<string>("UpdatedBy").IsRequired().HasColumnType("text").HasColumnName("updated_by").UseCollation("C");
        row.HasKey("SpaceId", "Entity", "RecordId").HasName("pk_records");
        row.HasIndex("SpaceId", "Seq").IsUnique().HasDatabaseName("ux_records_seq").HasFilter("seq IS NOT NULL");
        row.HasIndex(["SpaceId", "Seq"], "ix_records_tombstones").HasFilter("deleted AND (seq IS NOT NULL)");
        row.ToTable("records");
    }

    private static void Change(EntityTypeBuilder row)
    {
        row.Property<Guid>("SpaceId").HasColumnType("uuid").HasColumnName("space_id");
        row.Property<long>("Seq").HasColumnType("bigint").HasColumnName("seq");
        row.Property<DateTimeOffset>("At").HasColumnType("timestamp with time zone").HasColumnName("at");
        row.Property<string>("Before").HasColumnType("json").HasColumnName("before");
        row.Property<int>("Bytes").HasColumnType("integer").HasColumnName("bytes");
        row.Property<string>("Device").IsRequired().HasColumnType("text").HasColumnName("device").UseCollation("C");
        row.Property<string>("Entity").IsRequired().HasColumnType("text").HasColumnName("entity").UseCollation("C");
        row.Property<long?>("FirstSeq").HasColumnType("bigint").HasColumnName("first_seq");
        row.Property<short>("Kind").HasColumnType("smallint").HasColumnName("kind");
        row.Property<long?>("N").HasColumnType("bigint").HasColumnName("n");
        row.Property<string>("OpId").IsRequired().HasColumnType("text").HasColumnName("op_id").UseCollation("C");
        row.Property<string>("Patch").HasColumnType("json").HasColumnName("patch");
        row.Property<string>("Principal").IsRequired().HasColumnType("text").HasColumnName("principal").UseCollation("C");
        row.Property<string>("RecordId").IsRequired().HasColumnType("text").HasColumnName("record_id").UseCollation("C");
        row.Property<long>("Rev").HasColumnType("bigint").HasColumnName("rev");
        row.Property<string>("Sent").HasColumnType("json").HasColumnName("sent");
        row.Property<long>("Tag").HasColumnType("bigint").HasColumnName("tag");
        row.HasKey("SpaceId", "Seq").HasName("pk_changes");
        row.HasIndex("SpaceId", "Entity", "RecordId", "Rev").IsUnique().HasDatabaseName("ux_changes_rev").HasFilter("rev > 1");
        row.ToTable("changes");
    }

    private static void Outcome(EntityTypeBuilder row)
    {
        row.Property<Guid>("SpaceId").HasColumnType("uuid").HasColumnName("space_id");
        row.Property<string>("Principal").IsRequired().HasColumnType("text").HasColumnName("principal").UseCollation("C");
        row.Property<string>("OpId").IsRequired().HasColumnType("text").HasColumnName("op_id").UseCollation("C");
        row.Property<byte[]>("Body").HasColumnType("bytea").HasColumnName("body");
        row.Property<short?>("Choice").HasColumnType("smallint").HasColumnName("choice");
        row.Property<string>("ConflictId").HasColumnType("text").HasColumnName("conflict_id").UseCollation("C");
        row.Property<DateTimeOffset>("DecidedAt").HasColumnType("timestamp with time zone").HasColumnName("decided_at");
        row.Property<string>("Entity").HasColumnType("text").HasColumnName("entity").UseCollation("C");
        row.Property<string>("Etag").HasColumnType("text").HasColumnName("etag").UseCollation("C");
        row.Property<byte[]>("Fingerprint").IsRequired().HasColumnType("bytea").HasColumnName("fingerprint");
        row.Property<string>("Location").HasColumnType("text").HasColumnName("location").UseCollation("C");
        row.Property<long?>("Rev").HasColumnType("bigint").HasColumnName("rev");
        row.Property<short>("State").HasColumnType("smallint").HasColumnName("state");
        row.Property<short>("Status").HasColumnType("smallint").HasColumnName("status");
        row.HasKey("SpaceId", "Principal", "OpId").HasName("pk_outcomes");
        row.HasIndex("DecidedAt").HasDatabaseName("ix_outcomes_whole").HasFilter("body IS NOT NULL");
        row.ToTable("outcomes");
    }

    private static void Conflict(EntityTypeBuilder row)
    {
        row.Property<Guid>("SpaceId").HasColumnType("uuid").HasColumnName("space_id");
        row.Property<string>("ConflictId").IsRequired().HasColumnType("text").HasColumnName("conflict_id").UseCollation("C");
        row.Property<string>("Device").IsRequired().HasColumnType("text").HasColumnName("device").UseCollation("C");
        row.Property<string>("Entity").IsRequired().HasColumnType("text").HasColumnName("entity").UseCollation("C");
        row.Property<DateTimeOffset>("OpenedAt").HasColumnType("timestamp with time zone").HasColumnName("opened_at");
        row.Property<string>("Principal").IsRequired().HasColumnType("text").HasColumnName("principal").UseCollation("C");
        row.Property<string>("RecordId").IsRequired().HasColumnType("text").HasColumnName("record_id").UseCollation("C");
        row.Property<DateTimeOffset?>("ResolvedAt").HasColumnType("timestamp with time zone").HasColumnName("resolved_at");
        row.Property<short>("State").HasColumnType("smallint").HasColumnName("state");
        row.HasKey("SpaceId", "ConflictId").HasName("pk_conflicts");
        row.HasIndex("SpaceId", "Entity", "RecordId", "Principal", "Device").IsUnique()
            .HasDatabaseName("ux_conflicts_open").HasFilter("state = 1");
        row.HasIndex("SpaceId", "State", "ConflictId").HasDatabaseName("ix_conflicts_state");
        row.ToTable("conflicts");
    }

    private static void UnchangedOp(EntityTypeBuilder row)
    {
        row.Property<Guid>("SpaceId").HasColumnType("uuid").HasColumnName("space_id");
        row.Property<string>("Entity").HasColumnType("text").HasColumnName("entity").UseCollation("C");
        row.Property<string>("RecordId").HasColumnType("text").HasColumnName("record_id").UseCollation("C");
        row.Property<long>("Rev").HasColumnType("bigint").HasColumnName("rev");
        row.Property<string>("Principal").HasColumnType("text").HasColumnName("principal").UseCollation("C");
        row.Property<string>("OpId").HasColumnType("text").HasColumnName("op_id").UseCollation("C");
        row.Property<DateTimeOffset>("At").HasColumnType("timestamp with time zone").HasColumnName("at");
        row.Property<string>("Device").IsRequired().HasColumnType("text").HasColumnName("device").UseCollation("C");
        row.Property<long?>("N").HasColumnType("bigint").HasColumnName("n");
        row.Property<string>("Sent").IsRequired().HasColumnType("json").HasColumnName("sent");
        row.Property<string>("Merge").HasColumnType("json").HasColumnName("merge");
        row.Property<int?>("Bytes").HasColumnType("integer").HasColumnName("bytes");
        row.HasKey("SpaceId", "Entity", "RecordId", "Rev", "Principal", "OpId").HasName("pk_unchanged_ops");
        row.HasIndex("SpaceId", "At").HasDatabaseName("ix_unchanged_ops_at");
        row.ToTable("unchanged_ops");
    }

    private static void UniqueKey(EntityTypeBuilder row)
    {
        row.Property<Guid>("SpaceId").HasColumnType("uuid").HasColumnName("space_id");
        row.Property<string>("Entity").HasColumnType("text").HasColumnName("entity").UseCollation("C");
        row.Property<string>("Rule").HasColumnType("text").HasColumnName("rule").UseCollation("C");
        row.Property<string>("Hash").HasColumnType("text").HasColumnName("hash").UseCollation("C");
        row.Property<long>("Duplicate").HasColumnType("bigint").HasColumnName("duplicate");
        row.Property<string>("RecordId").IsRequired().HasColumnType("text").HasColumnName("record_id").UseCollation("C");
        row.HasKey("SpaceId", "Entity", "Rule", "Hash", "Duplicate").HasName("pk_unique_keys");
        row.ToTable("unique_keys");
    }

    private static void Server(EntityTypeBuilder row)
    {
        row.Property<short>("Id").HasColumnType("smallint").HasColumnName("id").ValueGeneratedNever();
        row.Property<DateTimeOffset>("CreatedAt").HasColumnType("timestamp with time zone").HasColumnName("created_at");
        row.Property<byte[]>("CursorKey").IsRequired().HasColumnType("bytea").HasColumnName("cursor_key");
        row.Property<string>("Epoch").IsRequired().HasColumnType("text").HasColumnName("epoch").UseCollation("C");
        row.Property<string>("SystemIdentifier").HasColumnType("text").HasColumnName("system_identifier").UseCollation("C");
        row.Property<long?>("TableOid").HasColumnType("bigint").HasColumnName("table_oid");
        row.Property<int?>("Timeline").HasColumnType("integer").HasColumnName("timeline");
        row.HasKey("Id").HasName("pk_server");
        row.ToTable("server", table => table.HasCheckConstraint("ck_server_one_row", "id = 1"));
    }
}
