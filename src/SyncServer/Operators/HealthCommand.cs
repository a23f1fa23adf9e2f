namespace SyncServer.Operators;

/// <summary>
/// Asks a running server how it is. Container health checks run it: the image has no other program that speaks HTTP.
/// </summary>
public static class HealthCommand
{
    /// <summary>Asks the address that follows, or the server in the same container, and exits.</summary>
    public const string Health = "health";

    /// <summary>Shorter than the time-out of the image's health check, so that the reason still reaches its log.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Runs the command that <paramref name="args"/> begin with; it needs no host and no database. Returns the exit
    /// code: 0 for an answer of success, otherwise 1, with the reason on standard error; null where
    /// <paramref name="args"/> hold another command or none.
    /// </summary>
    public static async Task<int?> TryRunAsync(string[] args, CancellationToken cancel = default) =>
        args is [Health, ..] ? await AskAsync(args.ElementAtOrDefault(1) ?? OwnAddress(), cancel) : null;

    private static async Task<int> AskAsync(string address, CancellationToken cancel)
    {
        try
        {
            // A proxy that the container's environment names does not lead to the container itself.
            using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Patience };
            using var response = await client.GetAsync(new Uri(address), cancel);
            if (response.IsSuccessStatusCode)
            {
                return 0;
            }

            await Console.Error.WriteLineAsync(
                $"{address} answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancel)}");
        }
        // Not told within the time, or interrupted, is not healthy either.
        catch (Exception failure) when (
            failure is HttpRequestException or OperationCanceledException or UriFormatException or NotSupportedException)
        {
            await Console.Error.WriteLineAsync($"{address} did not answer: {failure.Message}");
        }

        return 1;
    }

    private static string OwnAddress()
    {
        // The base image sets the variable, and Kestrel listens on the ports that it lists.
        var ports = Environment.GetEnvironmentVariable("ASPNETCORE_HTTP_PORTS") is { Length: > 0 } set ? set : "8080";
        return $"http://127.0.0.1:{ports.Split(';')[0]}/health/live";
    }
}
