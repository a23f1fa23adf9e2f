using Microsoft.EntityFrameworkCore;

namespace SyncServer.Storage;

/// <summary>
/// The schema as EF Core knows it. Migrations come from here, and so does whatever is not hot; the hot path uses the
/// same data source with SQL of its own.
/// </summary>
public sealed class SyncDb(DbContextOptions<SyncDb> options) : DbContext(options)
{
    public DbSet<SpaceRow> Spaces => Set<SpaceRow>();
    public DbSet<AccountRow> Accounts => Set<AccountRow>();
    public DbSet<MemberRow> Members => Set<MemberRow>();
    public DbSet<RecordRow> Records => Set<RecordRow>();
    public DbSet<ChangeRow> Changes => Set<ChangeRow>();
    public DbSet<OutcomeRow> Outcomes => Set<OutcomeRow>();
    public DbSet<ConflictRow> Conflicts => Set<ConflictRow>();
    public DbSet<UnchangedOpRow> UnchangedOps => Set<UnchangedOpRow>();

    public DbSet<UniqueKeyRow> UniqueKeys => Set<UniqueKeyRow>();
    public DbSet<ServerRow> Server => Set<ServerRow>();

    protected override void OnModelCreating(ModelBuilder modelBuilder) => SyncModel.Build(modelBuilder);
}
