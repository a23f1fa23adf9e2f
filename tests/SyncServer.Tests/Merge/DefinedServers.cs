using Microsoft.Extensions.DependencyInjection;
using SyncServer.Core.Push;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Merge;

/// <summary>Two servers on the shared database with the same definitions and the same rule in code.</summary>
public sealed class DefinedServers : IAsyncLifetime
{
    /// <summary>A field for each policy, and an entity for each other thing that definitions declare.</summary>
    public const string Definitions =
        """
        {"entities":{
          "sheet":{"fields":{
            "review":{"merge":"review"},"lww":{"merge":"lww"},"keep":{"merge":"keep"},"append":{"merge":"append"},
            "set":{"merge":"set"},"counter":{"merge":"counter"},"max":{"merge":"max"},"min":{"merge":"min"},
            "text":{"merge":"text"},"crdt":{"merge":"crdt"},"strict":{"merge":"strict"},"fixed":{"immutable":true}}},
          "draft":{"onEditDelete":"edit-wins"},
          "memo":{"onEditDelete":"delete-wins"},
          "locker":{"fields":{"number":{},"/holder/name":{},"floor":{}},"unique":[["number"],["/holder/name","floor"]]},
          "ticket":{"version":3,"additionalFields":false,"fields":{
            "title":{"type":"string","required":true},
            "code":{"type":"string","immutable":true},
            "points":{"type":"integer","default":1},
            "status":{"type":"string","default":"open","merge":"lww","transitions":{"open":["doing"],"doing":["done","open"],"done":[]}}}},
          "purchase":{"fields":{"paid":{"merge":"lww"},"shipped":{"merge":"lww"},"note":{"merge":"review"}}}
        }}
        """;

    private readonly string file = Path.Combine(Path.GetTempPath(), $"entities-{Guid.NewGuid():N}.json");

    public TestServer A { get; private set; } = null!;

    /// <summary>Another instance on the same database.</summary>
    public TestServer B { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        await File.WriteAllTextAsync(file, Definitions);
        A = await StartAsync();
        B = await StartAsync();
    }

    public async Task DisposeAsync()
    {
        await A.DisposeAsync();
        await B.DisposeAsync();
        File.Delete(file);
    }

    private Task<TestServer> StartAsync() => TestServers.StartAsync(
        builder => builder.Services.AddSingleton<IOpRule, ShipOnlyPaidOrders>(), $"--Sync:Entities={file}");
}

/// <summary>The tests that share <see cref="DefinedServers"/>.</summary>
[CollectionDefinition(Name)]
public sealed class DefinedServersCollection : ICollectionFixture<DefinedServers>
{
    public const string Name = "servers with definitions";
}
