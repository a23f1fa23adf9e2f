using Npgsql;
using SyncServer.Core.Ops;
using SyncServer.Core.Spaces;

namespace SyncServer.Storage;

/// <summary>
/// What a list of requests asks for, as the columns of the statements that ask: one array for each column, and one row of
/// them for each thing that is asked, however many of the requests ask for it.
/// </summary>
internal sealed class Asked
{
    private readonly List<LoadSpec> _specOfOp;
    private readonly List<string> _opIds;
    private readonly List<bool> _isOwn;
    private readonly List<LoadSpec> _specOfRecord;
    private readonly List<RecordKey> _records;

    public Asked(IReadOnlyList<LoadSpec> specs)
    {
        Specs = specs;
        _specOfOp = new List<LoadSpec>(specs.Count);
        _opIds = new List<string>(specs.Count);
        _isOwn = new List<bool>(specs.Count);
        _specOfRecord = new List<LoadSpec>(specs.Count);
        _records = new List<RecordKey>(specs.Count);
        AddOps();
        var records = new HashSet<(Guid, string, string, RecordKey)>(specs.Count);
        foreach (var spec in specs)
        {
            foreach (var key in spec.Records.Where(key => records.Add((spec.SpaceId, spec.Principal, spec.Device, key))))
            {
                _specOfRecord.Add(spec);
                _records.Add(key);
            }

            HasBases |= spec.Bases.Count > 0;
            HasLate |= spec.Late.Count > 0;
            HasUniqueKeys |= spec.UniqueKeys.Count > 0;
        }
    }

    public IReadOnlyList<LoadSpec> Specs { get; }

    public bool HasRecords => _records.Count > 0;

    public bool HasBases { get; }

    public bool HasLate { get; }

    public bool HasUniqueKeys { get; }

    /// <summary>Own keys before dependencies, so that what is both has its body loaded.</summary>
    private void AddOps()
    {
        var asked = new HashSet<(Guid, string, string)>(Specs.Count);
        foreach (var isOwn in new[] { true, false })
        {
            foreach (var spec in Specs)
            {
                foreach (var opId in (isOwn ? spec.OpIds : spec.Dependencies).Where(opId => asked.Add((spec.SpaceId, spec.Principal, opId))))
                {
                    _specOfOp.Add(spec);
                    _opIds.Add(opId);
                    _isOwn.Add(isOwn);
                }
            }
        }
    }

    /// <summary>Whose the op id in this row is.</summary>
    public LoadSpec SpecOfOp(int row) => _specOfOp[row];

    /// <summary>The record in this row.</summary>
    public (Guid Space, RecordKey Key) RecordAt(int row) => (_specOfRecord[row].SpaceId, _records[row]);

    /// <summary>Spaces, and the role in each that its lock takes.</summary>
    public NpgsqlBatchCommand Locks(string sql, Role needed)
    {
        var rows = new Columns(Specs.Count);
        var roles = new List<short>(Specs.Count);
        foreach (var spec in Specs)
        {
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

    /// <summary>Spaces and principals, a row for each request.</summary>
    public NpgsqlBatchCommand Members(string sql)
    {
        var rows = new Columns(Specs.Count);
        foreach (var spec in Specs)
        {
            rows.Add(spec.SpaceId, spec.Principal);
        }

        return new NpgsqlBatchCommand(sql).With(rows.Spaces).With(rows.Principals);
    }

    /// <summary>Whether the op id in this row is the key of one of the requests.</summary>
    public bool IsOwnOp(int row) => _isOwn[row];

    /// <summary>Spaces, principals, op ids, whether they are requests' own, and the bytes of bodies that there is room for.</summary>
    public NpgsqlBatchCommand Ops(string sql)
    {
        var rows = new Columns(_opIds.Count);
        foreach (var spec in _specOfOp)
        {
            rows.Add(spec.SpaceId, spec.Principal);
        }

        return new NpgsqlBatchCommand(sql).With(rows.Spaces).With(rows.Principals).With(_opIds).With(_isOwn).With(Specs.Max(spec => spec.AnswerBytes));
    }

    /// <summary>Spaces, principals, records, and devices where they are asked for.</summary>
    public NpgsqlBatchCommand RecordKeys(string sql, bool withDevices)
    {
        var rows = new Columns(_records.Count);
        var devices = new List<string>(_records.Count);
        for (var row = 0; row < _records.Count; row++)
        {
            var spec = _specOfRecord[row];
            rows.Add(spec.SpaceId, spec.Principal);
            rows.Add(_records[row]);
            devices.Add(spec.Device);
        }

        var command = new NpgsqlBatchCommand(sql).With(rows.Spaces).With(rows.Principals).With(rows.Entities).With(rows.Ids);
        return withDevices ? command.With(devices) : command;
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

        public List<string> Entities { get; } = new(rows);

        public List<string> Ids { get; } = new(rows);

        public void Add(Guid space, string principal)
        {
            Spaces.Add(space);
            Principals.Add(principal);
        }

        public void Add(RecordKey key)
        {
            Entities.Add(key.Entity);
            Ids.Add(key.Id);
        }
    }
}
