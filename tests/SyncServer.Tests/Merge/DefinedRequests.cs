using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Merge;

/// <summary>Requests about records of a named entity.</summary>
internal static class DefinedRequests
{
    public static Task<Answer> WriteAsync(
        this Device device, string entity, string kind, string id, (long? BaseRev, string? Patch) op = default, params (string Name, string Value)[] headers) =>
        device.PushAsync(Op(kind, id, op.BaseRev, op.Patch, entity: entity), headers);

    /// <summary>Somebody new with a record at revision 1; the device that made it is neither the phone nor the tablet.</summary>
    public static async Task<(Device Phone, Device Tablet, string Id)> WithRecordAsync(this TestServer server, string entity, string data)
    {
        var maker = New(server, "maker");
        var id = NewId();
        var made = await maker.WriteAsync(entity, "create", id, (0, data));
        Assert.True(made.Status == 201, made.Body.ToJsonString());
        return (maker.Other("phone"), maker.Other("tablet"), id);
    }

    public static Task<Answer> ReadAsync(this Device device, string entity, string id) => device.GetAsync($"records/{entity}/{id}");

    public static Task<Answer> HistoryAsync(this Device device, string entity, string id) => device.GetAsync($"records/{entity}/{id}/history");

    public static Task<Answer> ResolveAsync(this Device device, string conflict, string body, (string Name, string Value) precondition) =>
        device.SendAsync(HttpMethod.Post, $"conflicts/{conflict}/resolution", body, ("Idempotency-Key", NewId()), precondition);
}
