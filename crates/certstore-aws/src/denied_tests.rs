//! Denials as AWS words them.

use super::*;

#[test]
fn the_action_is_named_and_nothing_else_of_the_words() {
    let words = |action: &str| {
        format!(
            "User: arn:aws:iam::1:user/me is not authorized to perform: {action} on resource: x because"
        )
    };
    for action in ["s3:GetObject", "secretsmanager:PutSecretValue", "kms:Decrypt"] {
        assert_eq!(denied_action(&words(action)).as_deref(), Some(action));
    }
    for action in ["", "GetObject", "s3:", "s3:Get\u{1b}x", "ec2:RunInstances", "s3:Get:Object"] {
        assert_eq!(denied_action(&words(action)), None, "{action}");
    }
    for words in ["", "Access Denied", "is not authorized to perform: "] {
        assert_eq!(denied_action(words), None, "{words}");
    }
}
