using SyncServer.Core.Push;

namespace SyncServer.Core.Spaces;

/// <summary>A change of a membership, and the state that it meets.</summary>
/// <param name="Wanted">The member as it shall be; removed where there is no role.</param>
/// <param name="Current">The role that the member has now, or null.</param>
/// <param name="Owners">Owners of the space.</param>
/// <param name="Personal">Whether it is somebody's personal space.</param>
public readonly record struct MemberChange(Member Wanted, Role? Current, long Owners, bool Personal);

/// <summary>Decides about one membership (protocol 2). The caller's right to change it is checked before.</summary>
public static class MemberPlan
{
    /// <summary>
    /// Decides, and writes the change into the feed. After a success that is no replay, the row of the membership has to
    /// be written in the plan's transaction.
    /// </summary>
    public static Outcome Run(SpacePlan plan, PushContext context, KeyedRequest request, MemberChange change)
    {
        if (request.Undecidable(plan, context) is { } answer)
        {
            return answer;
        }

        var outcome = Refuse(context, change) ?? Success(context, change);
        if (outcome.IsSuccess && change.Wanted.Role != change.Current)
        {
            Membership.Write(plan, context.Author, request.Key, change.Wanted);
        }

        return request.Decided(plan, context, outcome);
    }

    private static Outcome? Refuse(PushContext context, MemberChange change)
    {
        var occurrence = new Occurrence(context.Instance!, context.TraceId);
        return (change.Current, change.Wanted.Role) switch
        {
            (null, null) => PushPlan.Refusal(
                new Rejection(ErrorCode.NotFound, "The principal is no member of the space."), occurrence, OutcomeState.Unknown),
            (null, _) when change.Personal => PushPlan.Refusal(
                new Rejection(ErrorCode.Forbidden, "A personal space has one member for good; share a space made with POST /v1/spaces."),
                occurrence, OutcomeState.Unknown),
            (Role.Owner, not Role.Owner) when change.Owners == 1 => PushPlan.Refusal(
                new Rejection(ErrorCode.LastOwner, "The space would be left without an owner: make another member one first, or erase it."),
                occurrence, OutcomeState.Rejected),
            _ => null,
        };
    }

    private static Outcome Success(PushContext context, MemberChange change) => change.Wanted.Role is not { } role
        ? new Outcome { Status = 204, State = OutcomeState.Applied, Body = default }
        : new Outcome
        {
            Status = change.Current is null ? 201 : 200,
            State = OutcomeState.Applied,
            Body = Membership.DataOf(change.Wanted.Principal, role).ToUtf8(),
            Location = change.Current is null ? context.Instance : null,
        };
}
