using Npgsql;
using SyncServer.Core.Ops;
using SyncServer.Core.Spaces;

namespace SyncServer.Storage;

/// <summary>One row of what is asked: an op id, a record, both or neither, by one of the requests.</summary>
/// <param name="Spec">The request.</param>
/// <param name="At">Its place among the requests.</param>
/// <param name="OpId">The key of an outcome.</param>
/// <param name="IsOwn">Whether the op id is a request's own, which is answered with that outcome, and not a dependency.</param>
/// <param name="Record">A record, with the conflicts that are open on it.</param>
internal readonly record struct AskedRow(LoadSpec Spec, int At, string? OpId, bool IsOwn, RecordKey? Record);

/// <summary>
/// What a list of requests asks for, as the columns of the statements that ask: one array for each column, and one row of
/// them for each thing that a request asks for.
/// </summary>
internal sealed class Asked
{
    private readonly List<AskedRow> _rows;

    public Asked(IReadOnlyList<LoadSpec> specs)
    {
        Specs = specs;
        _rows = new List<AskedRow>(specs.Count);
        for (var at = 0; at < specs.Count; at++)
        {
            HasLocks |= specs[at].Known is null;
            if (!specs[at].IsTakenForNew)
            {
                AddKeys(specs[at], at);
            }

            HasBases |= specs[at].Bases.Count > 0;
            HasLate |= specs[at].Late.Count > 0;
            HasUniqueKeys |= specs[at].UniqueKeys.Count > 0;
        }
    }

    public IReadOnlyList<LoadSpec> Specs { get; }

    public bool HasLocks { get; }

    public bool HasBases { get; }

    public bool HasLate { get; }

    public bool HasUniqueKeys { get; }

    /// <summary>
    /// What is asked by key. Each request has a row, whatever it asks, because its role comes with it; none where nothing of it is read.
    /// </summary>
    public IReadOnlyList<AskedRow> Rows => _rows;

    /// <summary>
    /// Op ids and records stand side by side; which stands beside which means nothing. What several requests ask for is asked for
    /// each of them: that is rare, and to find out would cost all others.
    /// </summary>
    private void AddKeys(LoadSpec spec, int at)
    {
        using var opIds = spec.OpIds.GetEnumerator();
        using var records = spec.Records.GetEnumerator();
        for (var left = Math.Max(1, Math.Max(spec.OpIds.Count, spec.Records.Count)); left > 0; left--)
        {
            var opId = opIds.MoveNext() ? opIds.Current : null;
            _rows.Add(new AskedRow(spec, at, opId, IsOwn: true, records.MoveNext() ? records.Current : null));
        }

        foreach (var opId in spec.Dependencies)
        {
            // An own one has its answer loaded.
            if (!spec.OpIds.Contains(opId))
            {
                _rows.Add(new AskedRow(spec, at, opId, IsOwn: false, Record: null));
            }
        }
    }

    /// <summary>Spaces that are locked, and the role in each that its lock takes.</summary>
    public NpgsqlBatchCommand Locks(string sql, Role needed)
    {
        var rows = new Columns(Specs.Count);
        var roles = new List<short>(Specs.Count);
        foreach (var spec in Specs)
        {
            if (spec.Known is not null)
            {
                continue;
            }

            rows.Add(spec.SpaceId, spec.Principal);
            roles.Add((short)needed);
            if (spec.Beside is { } beside)
            {
                rows.Add(beside, spec.Principal);
                roles.Add((short)Role.Owner);
            }
        }

        return new NpgsqlBatchCommand(sql).With(rows.Spaces).With(rows.Principals).With(roles);
    }

    /// <summary>The rows: spaces, principals, devices, op ids, entities and ids of records.</summary>
    public NpgsqlBatchCommand Keys(string sql)
    {
        var rows = new Columns(_rows.Count);
        var (devices, opIds) = (new List<string>(_rows.Count), new List<string?>(_rows.Count));
        foreach (var row in _rows)
        {
            rows.Add(row.Spec.SpaceId, row.Spec.Principal);
            rows.Add(row.Record);
            devices.Add(row.Spec.Device);
            opIds.Add(row.OpId);
        }

        return new NpgsqlBatchCommand(sql)
            .With(rows.Spaces).With(rows.Principals).With(devices).With(opIds).With(rows.Entities).With(rows.Ids);
    }

    /// <summary>Some of the rows: spaces, principals and op ids.</summary>
    public static NpgsqlBatchCommand Ops(string sql, IReadOnlyList<AskedRow> some)
    {
        var rows = new Columns(some.Count);
        var opIds = new List<string?>(some.Count);
        foreach (var row in some)
        {
            rows.Add(row.Spec.SpaceId, row.Spec.Principal);
            opIds.Add(row.OpId);
        }

        return new NpgsqlBatchCommand(sql).With(rows.Spaces).With(rows.Principals).With(opIds);
    }

    /// <summary>Spaces, principals, records and revisions.</summary>
    public NpgsqlBatchCommand Bases(string sql)
    {
        var rows = new Columns(Specs.Count);
        var revs = new List<long>(Specs.Count);
        foreach (var spec in Specs)
        {
            foreach (var merged in spec.Bases)
            {
                rows.Add(spec.SpaceId, spec.Principal);
                rows.Add(merged.Key);
                revs.Add(merged.Rev);
            }
        }

        return new NpgsqlBatchCommand(sql).With(rows.Spaces).With(rows.Principals).With(rows.Entities).With(rows.Ids).With(revs);
    }

    /// <summary>Spaces, principals, records, devices and their lowest counters.</summary>
    public NpgsqlBatchCommand Late(string sql)
    {
        var rows = new Columns(Specs.Count);
        var (devices, counters) = (new List<string>(Specs.Count), new List<long>(Specs.Count));
        foreach (var late in Specs.SelectMany(spec => spec.Late.Select(late => (Spec: spec, late.Key, N: late.Value)))
            .GroupBy(late => (late.Spec.SpaceId, late.Spec.Principal, late.Spec.Device, late.Key)))
        {
            rows.Add(late.Key.SpaceId, late.Key.Principal);
            rows.Add(late.Key.Key);
            devices.Add(late.Key.Device);
            counters.Add(late.Min(asked => asked.N));
        }

        return new NpgsqlBatchCommand(sql)
            .With(rows.Spaces).With(rows.Principals).With(rows.Entities).With(rows.Ids).With(devices).With(counters);
    }

    /// <summary>Spaces and unique keys.</summary>
    public NpgsqlBatchCommand UniqueKeys(string sql)
    {
        var (spaces, entities, rules, hashes) = (new List<Guid>(), new List<string>(), new List<string>(), new List<string>());
        foreach (var spec in Specs)
        {
            foreach (var key in spec.UniqueKeys)
            {
                spaces.Add(spec.SpaceId);
                entities.Add(key.Entity);
                rules.Add(key.Rule);
                hashes.Add(key.Hash);
            }
        }

        return new NpgsqlBatchCommand(sql).With(spaces).With(entities).With(rules).With(hashes);
    }

    /// <summary>The columns that most statements have.</summary>
    private sealed class Columns(int rows)
    {
        public List<Guid> Spaces { get; } = new(rows);

        public List<string> Principals { get; } = new(rows);

        public List<string?> Entities { get; } = new(rows);

        public List<string?> Ids { get; } = new(rows);

        public void Add(Guid space, string principal)
        {
            Spaces.Add(space);
            Principals.Add(principal);
        }

        public void Add(RecordKey? key)
        {
            Entities.Add(key?.Entity);
            Ids.Add(key?.Id);
        }
    }
}
