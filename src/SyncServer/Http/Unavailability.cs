using System.Net.Sockets;
using System.Text;
using Npgsql;
using SyncServer.Storage;

namespace SyncServer.Http;

/// <summary>Tells exceptions that mean "not now" from bugs, and describes both without their messages.</summary>
internal static class Unavailability
{
    /// <summary>
    /// PostgreSQL's reasons that pass by themselves (appendix A of its manual): connection trouble, serialization
    /// failure and deadlock, resources, a lock or statement timeout, a shutdown, a standby.
    /// </summary>
    private static readonly string[] PassingStates = ["08", "25006", "25P03", "40001", "40P01", "53", "55P03", "57014", "57P0"];

    /// <summary>
    /// What to log when <paramref name="exception"/>, or one that it wraps, means that a repeat may succeed: the
    /// SqlState or the type's name, never a message, since PostgreSQL's quote values. Null for a bug.
    /// </summary>
    public static string? CauseOf(Exception exception)
    {
        for (Exception? link = exception; link is not null; link = link.InnerException)
        {
            switch (link)
            {
                case PlanTimeoutException:
                    return $"planning took longer than {DatabaseOptions.Section}:{nameof(DatabaseOptions.IdleInTransactionTimeout)}";
                case PostgresException postgres:
                    return Passes(postgres.SqlState) ? "SqlState " + postgres.SqlState : null;
                case NpgsqlException { IsTransient: true } or TimeoutException or SocketException or OperationCanceledException:
                    return (link.InnerException ?? link).GetType().Name;
            }
        }

        return null;
    }

    /// <summary>Types, SqlStates and stacks of the whole chain; no messages, which may quote what a user typed.</summary>
    public static string Describe(Exception exception)
    {
        var text = new StringBuilder();
        for (Exception? link = exception; link is not null; link = link.InnerException)
        {
            text.Append(text.Length == 0 ? "" : "\n caused by ").Append(link.GetType().FullName);
            if (link is PostgresException postgres)
            {
                text.Append(" (SqlState ").Append(postgres.SqlState).Append(')');
            }

            text.Append('\n').Append(link.StackTrace);
        }

        return text.ToString();
    }

    private static bool Passes(string sqlState) =>
        Array.Exists(PassingStates, state => sqlState.StartsWith(state, StringComparison.Ordinal));
}
