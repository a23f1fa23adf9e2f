using System.Security.Cryptography;

namespace SyncServer.Storage.Embedded;

/// <summary>Makes a cluster, once. It appears at its place whole or not at all, whenever the making is interrupted.</summary>
internal static class NewCluster
{
    /// <summary>The superuser, and with it the owner of the database.</summary>
    public const string User = "sync";

    /// <summary>In the cluster's directory, of clusters that listen on the loopback only.</summary>
    public const string PasswordFile = "syncserver.password";

    /// <summary>Bytes of a random password: beyond guessing.</summary>
    private const int PasswordLength = 32;

    public static async Task MakeAsync(EmbeddedPostgresOptions options, ClusterPlace place, ClusterPrograms programs, CancellationToken ct)
    {
        if (Directory.Exists(place.Staging))
        {
            Directory.Delete(place.Staging, recursive: true);
        }
        Directory.CreateDirectory(place.Staging);
        await programs.Account.OwnAsync(place.Staging, ct);
        var cluster = Path.Combine(place.Staging, "cluster");
        var password = Path.Combine(place.Staging, PasswordFile);
        string[] access = ["--auth-local=trust", "--auth-host=reject"];
        if (options.Loopback)
        {
            await File.WriteAllTextAsync(password, RandomNumberGenerator.GetHexString(PasswordLength * 2, lowercase: true), ct);
            await programs.Account.OwnAsync(password, ct);
            access = ["--auth-local=scram-sha-256", "--auth-host=scram-sha-256", $"--pwfile={password}"];
        }
        var run = await programs.RunAsync("initdb",
        [
            "-D", cluster, "-U", User, "--encoding=UTF8", "--locale=C", "--data-checksums",
            .. access, .. options.UnsafeFastForTests ? ["--no-sync"] : Array.Empty<string>(),
        ], ct);
        if (!run.Succeeded)
        {
            throw new EmbeddedPostgresException($"initdb could not make a cluster in {place.Path}:\n{run.Text}");
        }
        if (options.Loopback)
        {
            File.Move(password, Path.Combine(cluster, PasswordFile));
        }
        place.Publish(cluster);
        Directory.Delete(place.Staging);
    }
}
