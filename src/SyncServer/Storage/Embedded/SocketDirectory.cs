using System.Buffers;
using System.Text;

namespace SyncServer.Storage.Embedded;

/// <summary>Where a cluster's Unix socket lies: in the data directory, which nobody else may enter, or in a private short one.</summary>
internal static class SocketDirectory
{
    /// <summary>A file name's part of the socket path; private directories need no other number.</summary>
    public const int Port = 5432;

    /// <summary>The smallest <c>sun_path</c> there is (macOS; Linux has 108), less its terminating zero.</summary>
    private const int LongestSocketPath = 103;

    /// <summary>unix_socket_directories is a list with quotes of its own.</summary>
    private static readonly SearchValues<char> Unlistable = SearchValues.Create(",\"' @");

    /// <summary>
    /// The same cluster always gets the same directory. A directory in /tmp that another account made first is refused:
    /// whoever owns it could put a socket of their own there.
    /// </summary>
    public static async Task<string> ForAsync(string cluster, Unprivileged account, CancellationToken ct)
    {
        if (Fits(cluster))
        {
            return cluster;
        }
        var directory = $"/tmp/syncserver-{account.Uid}-{ClusterPlace.Hash(cluster)}";
        await account.RunAsync(["mkdir", "-m", "700", "--", directory], ct);
        return await FileOwner.OfAsync(directory, ct) is { } owner && owner.Uid == account.Uid && owner.Mode.StartsWith("drwx------", StringComparison.Ordinal)
            ? directory
            : throw new EmbeddedPostgresException(
                $"The path {cluster} is too long for a Unix socket, and {directory}, which would hold it instead, is not a private " +
                $"directory of the account {account.Uid}. Remove it, or set Postgres:DataDirectory to a shorter path.");
    }

    private static bool Fits(string directory) =>
        Encoding.UTF8.GetByteCount($"{directory}/.s.PGSQL.{Port}") <= LongestSocketPath && !directory.AsSpan().ContainsAny(Unlistable);
}
