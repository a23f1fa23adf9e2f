namespace SyncServer.Records;

/// <summary>Plain HTTP access to records (protocol 6).</summary>
internal static class RecordsSetup
{
    public static IServiceCollection AddRecords(this IServiceCollection services) => services
        .AddSingleton<RecordQuery>()
        .AddSingleton<HistoryQuery>()
        .AddSingleton<RecordReads>()
        .AddSingleton<RecordHistory>()
        .AddSingleton<RecordWrites>();

    /// <summary>Maps the routes under <c>/v1/spaces/{space}</c>.</summary>
    public static void MapRecords(this IEndpointRouteBuilder space)
    {
        RecordReads.Map(space);
        RecordHistory.Map(space);
        RecordWrites.Map(space);
    }
}
