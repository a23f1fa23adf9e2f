using System.Text;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;
using SyncServer.Core;
using SyncServer.Core.Entities;
using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Records;

namespace SyncServer.Benchmarks.Micro;

/// <summary>What a push costs in the core, without HTTP and database: bytes to op, its fingerprint, its plan, a merge.</summary>
[MemoryDiagnoser]
public class CoreBenchmarks
{
    private const string Data =
        """
        {"title":"Offline notes","body":"A note that was written in the train, offline. A note that was written in the train, offline. A note that was written in the train, offline. A note that was written in the train.","tags":["work","travel"],"done":false,"rank":1000}
        """;

    private static readonly byte[] CreateBytes = Encoding.UTF8.GetBytes(
        $$"""{"opId":"7f3b8f2a-3f2a-4b86-9c4c-7a3fd4a5d7d1","entity":"note","entityId":"0190a7c2-8d41-7000-9c4c-7a3fd4a5d7d1","kind":"create","createdAt":1763633700123,"patch":{{Data}}}""");

    private static readonly byte[] UpdateBytes = Encoding.UTF8.GetBytes(
        """{"opId":"8f3b8f2a-3f2a-4b86-9c4c-7a3fd4a5d7d1","entity":"note","entityId":"0190a7c2-8d41-7000-9c4c-7a3fd4a5d7d1","kind":"update","baseRev":1,"patch":{"rank":1001}}""");

    private static readonly DateTimeOffset Now = new(2026, 11, 20, 10, 15, 0, TimeSpan.Zero);

    private readonly JsonObject _create = (JsonObject)JsonParser.Parse(CreateBytes).Value!;
    private readonly Op _createOp = Parsed(CreateBytes);
    private readonly Op _updateOp = Parsed(UpdateBytes);
    private readonly JsonObject _base = (JsonObject)JsonParser.Parse(Encoding.UTF8.GetBytes(Data)).Value!;
    private readonly JsonObject _theirs = Changed("title", "\"Theirs\"");
    private readonly JsonObject _yours = Changed("rank", "1001");
    private readonly MergeRules _rules = new(EntityDefinitions.None.For("note"));

    private readonly PushContext _context = new()
    {
        Principal = "alice",
        Device = "pixel",
        Epoch = "epoch",
        ClientEpoch = null,
        SpacePath = "/v1/spaces/0190a7c2-8d41-7000-9c4c-7a3fd4a5d7d1",
        TraceId = "0af7651916cd43dd8448eb211c80319c",
        Limits = new Limits(),
    };

    /// <summary>Runs all of them in about a minute, and leaves no files.</summary>
    public static int Run(string[] arguments)
    {
        var artifacts = Path.Combine(Path.GetTempPath(), $"syncserver-benchmark-{Guid.NewGuid():N}");
        // In this process: BenchmarkDotNet would otherwise make a project of its own, which this repository's rules refuse. As many
        // iterations on a busy machine as on an idle one: left to itself it would go on for minutes to be sure of the noise.
        var job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance)
            .WithWarmupCount(5).WithIterationCount(15).WithIterationTime(TimeInterval.FromMilliseconds(250));
        BenchmarkSwitcher.FromTypes([typeof(CoreBenchmarks)]).RunAllJoined(DefaultConfig.Instance.AddJob(job).WithArtifactsPath(artifacts), arguments);
        if (Directory.Exists(artifacts))
        {
            Directory.Delete(artifacts, recursive: true);
        }

        return 0;
    }

    [Benchmark]
    public object Parse_the_json_of_an_op() => JsonParser.Parse(CreateBytes).Value!;

    [Benchmark]
    public object Parse_an_op_and_its_fingerprint() => OpParser.Parse(_create, headerKey: null, ifMatch: null).Op!;

    [Benchmark]
    public object Fingerprint_an_op() => Fingerprint.OfOp(_createOp.Key, OpKind.Create, _create, precondition: null);

    [Benchmark]
    public object Plan_a_create() => PushPlan.Run(Loaded(), _context, [new PushItem(_createOp, _createOp.OpId, null)]).Outcomes;

    [Benchmark]
    public object Plan_an_update()
    {
        var plan = Loaded();
        plan.Load(new SyncRecord
        {
            Key = _updateOp.Key,
            Rev = 1,
            Seq = 1,
            Deleted = false,
            Data = new RecordData(Encoding.UTF8.GetBytes(Data)),
            UpdatedAt = Now,
            UpdatedBy = "alice",
            OpId = _createOp.OpId,
        });
        return PushPlan.Run(plan, _context, [new PushItem(_updateOp, _updateOp.OpId, null)]).Outcomes;
    }

    [Benchmark]
    public object Merge_three_ways() => ThreeWay.Merge(_base, _theirs, _yours, _rules);

    private static SpacePlan Loaded() => new(Guid.Empty, head: 1, Now, new Entropy(seed: 0));

    private static Op Parsed(byte[] bytes) => OpParser.Parse(JsonParser.Parse(bytes).Value!, headerKey: null, ifMatch: null).Op!;

    private static JsonObject Changed(string member, string value)
    {
        var (data, rejection) = JsonParser.Parse(Encoding.UTF8.GetBytes(Data));
        var patch = (JsonObject)JsonParser.Parse(Encoding.UTF8.GetBytes($$"""{"{{member}}":{{value}}}""")).Value!;
        return rejection is null ? MergePatch.Apply((JsonObject)data!, patch) : throw new InvalidDataException(rejection.Detail);
    }
}
