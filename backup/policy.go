package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/merlon-web/merlon"
)

// policy is `backup policy s3`: what the owner applies at the store, with rights of their own. The server's own rights are
// the least that backups need: none of them takes anything away.
func policy(_ context.Context, c *merlon.Call) error {
	if c.Arg(0) != "s3" {
		return merlon.Misused("there is a policy for s3 only, and %q was asked for: a folder or an SFTP server cannot lock: see docs/backups.md", c.Arg(0))
	}
	bucket, prefix, site := "BUCKET", "", "*"
	if setup, err := ReadSetup(c.Apart.Data); err == nil {
		site = setup.Site
	} else if !errors.Is(err, ErrNotSetUp) {
		return err
	}
	if b := c.Flag("bucket"); b != "" {
		bucket = b
	}
	if p := strings.Trim(c.Flag("prefix"), "/"); p != "" {
		prefix = p + "/"
	}
	docs := policyS3(bucket, prefix, site)
	return c.Answer("merlon/backup-policy/v1", "s3", docs, func(out io.Writer) error {
		fmt.Fprintf(out, `# What the owner applies at the store, with the owner's own rights, not with this server's key.
# 1. A bucket with object lock: it can only be switched on when the bucket is made.
aws s3api create-bucket --bucket %s --object-lock-enabled-for-bucket
aws s3api put-object-lock-configuration --bucket %s --object-lock-configuration '{"ObjectLockEnabled":"Enabled","Rule":{"DefaultRetention":{"Mode":"COMPLIANCE","Days":3}}}'
`, bucket, bucket)
		for _, name := range slices.Sorted(maps.Keys(docs)) {
			text, err := json.MarshalIndent(docs[name], "", "  ")
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "\n# %s\n%s\n", policyTitles[name], text)
		}
		_, err := fmt.Fprintln(out, "\n# The owner's key for audits and rehearsals reads only. Rights to administer the bucket stay with the owner, behind a second factor.")
		return err
	})
}

var policyTitles = map[string]string{
	"1-lifecycle":  "2. Retention: the store deletes what the locks have released; this server has no right to. aws s3api put-bucket-lifecycle-configuration",
	"2-server-key": "3. The policy of this server's key.",
}

// policyS3 returns the documents. The rules delete a day after the longest lock of their class.
func policyS3(bucket, prefix, site string) map[string]any {
	var rules []map[string]any
	expire := func(folder string, days int) {
		rules = append(rules, map[string]any{"ID": "merlon-" + folder, "Status": "Enabled", "Filter": map[string]any{"Prefix": prefix + strings.ReplaceAll(site, "*", "SITE") + "/" + folder + "/"},
			"Expiration": map[string]any{"Days": days}, "NoncurrentVersionExpiration": map[string]any{"NoncurrentDays": 1}})
	}
	for _, c := range []Class{Hourly, Daily, Weekly, Monthly} {
		expire(string(c), classDays[c]+1)
	}
	expire("e", classDays[Monthly]+35)
	rules = append(rules, map[string]any{"ID": "merlon-halves", "Status": "Enabled", "Filter": map[string]any{"Prefix": prefix}, "AbortIncompleteMultipartUpload": map[string]any{"DaysAfterInitiation": 1}})
	where, objects := "arn:aws:s3:::"+bucket, "arn:aws:s3:::"+bucket+"/"+prefix+site+"/*"
	return map[string]any{
		"1-lifecycle": map[string]any{"Rules": rules},
		"2-server-key": map[string]any{"Version": "2012-10-17", "Statement": []map[string]any{
			{"Effect": "Allow", "Action": []string{"s3:PutObject", "s3:PutObjectRetention", "s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention", "s3:AbortMultipartUpload"}, "Resource": objects},
			{"Effect": "Allow", "Action": []string{"s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketObjectLockConfiguration", "s3:GetBucketVersioning"}, "Resource": where},
			{"Effect": "Deny", "Action": []string{"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention", "s3:PutBucket*", "s3:PutLifecycleConfiguration", "s3:DeleteBucket*"},
				"Resource": []string{where, where + "/*"}},
			{"Effect": "Deny", "Action": "s3:PutObjectRetention", "Resource": where + "/*", "Condition": map[string]any{"NumericGreaterThan": map[string]any{"s3:object-lock-remaining-retention-days": classDays[Monthly] + 35}}},
		}},
	}
}
